import type { Problem, ProblemKind } from '../behaviours/problem.ts';

interface AwsWords {
  readonly status: number;
  readonly name: string;
  readonly message: string;
}

const WORDS: Readonly<Record<ProblemKind, AwsWords>> = {
  bad_request: words(400, 'ValidationException', 'messages: Field required'),
  unauthorized: words(
    403,
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  ),
  credit_exhausted: words(
    400,
    'ServiceQuotaExceededException',
    'Your request exceeds the service quota for your account.',
  ),
  forbidden: words(
    403,
    'AccessDeniedException',
    'User is not authorized to perform this action with an explicit deny',
  ),
  model_forbidden: words(
    403,
    'AccessDeniedException',
    "You don't have access to the model with the specified model ID.",
  ),
  not_found: words(404, 'ResourceNotFoundException', 'Could not resolve the foundation model.'),
  too_large: words(400, 'ValidationException', 'Input is too long for requested model.'),
  rate_limited: words(429, 'ThrottlingException', 'Too many requests, please wait.'),
  server_error: words(500, 'InternalServerException', 'The system encountered an error.'),
  overloaded: words(
    503,
    'ServiceUnavailableException',
    'Bedrock is unable to process your request.',
  ),
};

function words(status: number, name: string, message: string): AwsWords {
  return { status, name, message };
}

/** An error as AWS answers it; `type` of a problem is another name than the usual one. */
export function awsError(problem: Problem): AwsWords {
  const usual = WORDS[problem.kind];
  return {
    status: usual.status,
    name: problem.type ?? usual.name,
    message: problem.message ?? usual.message,
  };
}

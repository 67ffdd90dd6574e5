import { BadRequestException, StandardSchemaValidationPipe } from '@nestjs/common';

type Issue = Parameters<
  NonNullable<
    NonNullable<ConstructorParameters<typeof StandardSchemaValidationPipe>[0]>['exceptionFactory']
  >
>[0][number];

/** One thing that is wrong with a request, and where. */
interface Problem {
  readonly parameter: string;
  readonly message: string;
}

const PROBLEMS_MAX = 20;

/** Checks every parameter that has a schema, and says all that is wrong at once. */
export class ValidationPipe extends StandardSchemaValidationPipe {
  constructor() {
    super({ exceptionFactory: badRequest });
  }
}

function badRequest(issues: readonly Issue[]): BadRequestException {
  const details = issues.flatMap(problemsOf).slice(0, PROBLEMS_MAX);
  const message = details.map((problem) => `${problem.parameter}: ${problem.message}`).join('; ');
  return new BadRequestException({ message, details });
}

function problemsOf(issue: Issue): Problem[] {
  if ('keys' in issue && Array.isArray(issue.keys)) {
    return issue.keys.map((key) => ({
      parameter: String(key),
      message: 'is not a known parameter',
    }));
  }
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return [{ parameter: path.join('.') || 'request', message: issue.message }];
}

import { BadRequestException, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { isObject } from '../../core/json.ts';
import { UNREADABLE } from './query-string.ts';

type Schema = NonNullable<ArgumentMetadata['schema']>;
type Result = Awaited<ReturnType<Schema['~standard']['validate']>>;
type Issue = NonNullable<Result['issues']>[number];

/** One thing that is wrong with a request, and where. */
interface Problem {
  readonly parameter: string;
  readonly message: string;
}

const PROBLEMS_MAX = 20;
const NAME_LENGTH_MAX = 100;

/**
 * Checks every parameter that has a schema, and says all that is wrong at once. Unlike Nest's own
 * pipe it takes nothing away before it looks: `constructor` is a name like any other, and unknown.
 */
export class ValidationPipe implements PipeTransform {
  async transform(value: unknown, { schema, type, data }: ArgumentMetadata): Promise<unknown> {
    if (schema === undefined || type === 'custom') return value;
    const unreadable = unreadableIn(value);
    if (unreadable.length > 0) throw badRequest(unreadable);
    const result = await schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw badRequest(result.issues.flatMap((issue) => problemsOf(issue, data)));
  }
}

/** The answer to a request of which these things are wrong. */
export function badRequest(problems: readonly Problem[]): BadRequestException {
  const details = [...new Map(problems.map((each) => [textOf(each), each])).values()];
  const shown = details.slice(0, PROBLEMS_MAX);
  return new BadRequestException({ message: shown.map(textOf).join('; '), details: shown });
}

function textOf({ parameter, message }: Problem): string {
  return `${parameter === '' ? '""' : parameter}: ${message}`;
}

function unreadableIn(value: unknown): Problem[] {
  if (!isObject(value)) return [];
  return Object.entries(value)
    .filter(
      ([, given]) => given === UNREADABLE || (Array.isArray(given) && given.includes(UNREADABLE)),
    )
    .map(([name]) => problem(name, 'is not percent-encoded UTF-8; a % itself is written %25'));
}

/** `data`: the name of what is checked, where that is a single parameter. */
function problemsOf(issue: Issue, data: string | undefined): Problem[] {
  if ('keys' in issue && Array.isArray(issue.keys)) {
    return issue.keys.map((key) => problem(String(key), 'is not a known parameter'));
  }
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return [problem(data ?? (path.join('.') || 'request'), issue.message)];
}

function problem(name: string, message: string): Problem {
  return { parameter: name.slice(0, NAME_LENGTH_MAX), message };
}

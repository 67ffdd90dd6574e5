import { isObject, type JsonObject } from './json.ts';

/**
 * What a value has to be to be read. A count is a whole number that is not negative;
 * in brackets stands what each element of an array is.
 */
export type Shape = 'string' | 'count' | 'object' | readonly [Fields] | Fields;

/** Members by name. One whose name ends in `?` may be missing or null. */
export interface Fields {
  readonly [name: string]: Shape;
}

/**
 * The first place in a value that is not as it has to be, as a path such as
 * `message.id`; empty for the value itself. What is not named may be anything.
 */
export function misfitIn(value: unknown, shape: Shape): string | undefined {
  if (typeof shape === 'string') return IS[shape](value) ? undefined : '';
  if (isList(shape)) return misfitInList(value, shape[0]);
  if (!isObject(value)) return '';
  for (const [key, inner] of Object.entries(shape)) {
    const misfit = misfitAt(value, key, inner);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

function misfitAt(object: JsonObject, key: string, shape: Shape): string | undefined {
  const isOptional = key.endsWith('?');
  const name = isOptional ? key.slice(0, -1) : key;
  const member = object[name] ?? undefined;
  if (isOptional && member === undefined) return undefined;
  const misfit = misfitIn(member, shape);
  if (misfit === undefined) return undefined;
  return misfit === '' ? name : `${name}.${misfit}`;
}

const IS: Readonly<Record<Extract<Shape, string>, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  count: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  object: isObject,
};

function isList(shape: Shape): shape is readonly [Fields] {
  return Array.isArray(shape);
}

function misfitInList(value: unknown, element: Fields): string | undefined {
  if (!Array.isArray(value)) return '';
  return value.map((each) => misfitIn(each, element)).find((misfit) => misfit !== undefined);
}

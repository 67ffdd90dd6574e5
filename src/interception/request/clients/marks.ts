import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../../core/json.ts';
import type { ClientCall, Mark, SessionSource } from './known-client.ts';

/** Clients send three; who sends thousands is not to occupy the bridge with them. */
const SYSTEM_TEXTS_MAX = 32;

/** A header's value; undefined when it is blank. */
export function headerOf({ headers }: Pick<ClientCall, 'headers'>, name: string) {
  const value = headers[name];
  const text = typeof value === 'string' ? value : value?.[0];
  return text?.trim() ? text.trim() : undefined;
}

export const inHeader =
  (name: string): SessionSource =>
  (call) =>
    headerOf(call, name);

/** A member of the body, or of an object in it. */
export const inBody =
  (...path: readonly [string] | readonly [string, string]): SessionSource =>
  ({ body }) => {
    const [first, second] = path;
    const text =
      second === undefined ? stringAt(body, first) : stringAt(objectAt(body, first), second);
    return text?.trim() ? text : undefined;
  };

export const all =
  (...marks: readonly Mark[]): Mark =>
  (call) =>
    marks.every((mark) => mark(call));

export const hasHeader =
  (name: string, value?: string): Mark =>
  (call) => {
    const found = headerOf(call, name);
    return value === undefined ? found !== undefined : found === value;
  };

/** Some text of the system prompt, of the Messages API, begins like this. */
export const systemBegins =
  (beginning: string): Mark =>
  ({ body }) =>
    systemTexts(body).some((text) => text.trimStart().startsWith(beginning));

export const lastTextBegins =
  (beginning: string): Mark =>
  ({ lastText }) =>
    lastText.trimStart().startsWith(beginning);

export const lastTextIs =
  (text: string): Mark =>
  ({ lastText }) =>
    lastText === text;

export const answersInOneToken: Mark = ({ body }) => body?.['max_tokens'] === 1;

export const hasNoTools: Mark = ({ body }) =>
  body !== undefined && arrayAt(body, 'tools').length === 0;

export const doesNotThink: Mark = ({ body }) =>
  (stringAt(objectAt(body, 'thinking'), 'type') ?? 'disabled') === 'disabled';

/** The answer has to be of a JSON schema, or of one that knows a property. */
export const answersInJson =
  (property?: string): Mark =>
  ({ body }) => {
    const format = objectAt(objectAt(body, 'output_config'), 'format');
    if (property === undefined) return format !== undefined;
    return objectAt(objectAt(objectAt(format, 'schema'), 'properties'), property) !== undefined;
  };

function systemTexts(body: JsonObject | undefined): readonly string[] {
  const system = stringAt(body, 'system');
  if (system !== undefined) return [system];
  return arrayAt(body, 'system')
    .slice(0, SYSTEM_TEXTS_MAX)
    .map((block) => (isObject(block) ? stringAt(block, 'text') : undefined))
    .filter((text) => text !== undefined);
}

import {
  arrayAt,
  isObject,
  jsonText,
  objectAt,
  parseObject,
  stringAt,
  type JsonObject,
} from '../core/json.ts';
import { isDeeperThan } from './tools/tool-list.ts';
import type { ToolContent, ToolResult } from './tool-offer.ts';

const ERROR_LENGTH_MAX = 500;
const STRUCTURED_DEPTH_MAX = 64;

/** What a server sent as the result of a call. Nothing of it is cut: a model could not tell. */
export function toolResultOf(
  answer: unknown,
  bytesMax: number,
  masked: (text: string) => string = (text) => text,
): ToolResult {
  if (!isObject(answer)) return failedResult('The tool server gave an answer that cannot be read.');
  const parts = arrayAt(answer, 'content').map((part) => maskedPart(contentOf(part), masked));
  const structured = maskedObject(objectAt(answer, 'structuredContent'), masked);
  if (structured !== undefined && isDeeperThan(STRUCTURED_DEPTH_MAX, structured)) {
    return failedResult('The result of the tool is nested too deeply to be passed on.');
  }
  const content = parts.length > 0 ? parts : [textOf(insteadOf(structured))];
  const bytes = content.reduce((sum, part) => sum + bytesOf(part), 0);
  if (bytes > bytesMax || structuredBytes(structured) > bytesMax) return tooLargeResult(bytesMax);
  const shown = { content, structured, bytes };
  if (answer['isError'] !== true) return { ...shown, isError: false, error: null };
  const error = (firstText(content) || 'an error').slice(0, ERROR_LENGTH_MAX);
  return { ...shown, isError: true, error, isErrorQuoted: true };
}

export function tooLargeResult(bytesMax: number): ToolResult {
  return failedResult(
    `The result of the tool is larger than ${bytesMax} bytes and was not passed on.`,
  );
}

/** Instead of a result: the words are for the model, the reason, where it says more, for the record. */
export function failedResult(words: string, reason = words): ToolResult {
  return {
    content: [textOf(words)],
    structured: undefined,
    isError: true,
    error: reason.slice(0, ERROR_LENGTH_MAX),
    bytes: Buffer.byteLength(words),
  };
}

/** Some servers send nothing but what they have structured. */
function insteadOf(structured: JsonObject | undefined): string {
  return structured === undefined ? '(no content)' : jsonText(structured);
}

function maskedPart(part: ToolContent, masked: (text: string) => string): ToolContent {
  return part.type === 'text' ? textOf(masked(part.text)) : part;
}

function maskedObject(
  object: JsonObject | undefined,
  masked: (text: string) => string,
): JsonObject | undefined {
  if (object === undefined) return undefined;
  const text = jsonText(object);
  const shown = masked(text);
  return shown === text ? object : parseObject(shown);
}

function contentOf(part: unknown): ToolContent {
  const body = isObject(part) ? part : undefined;
  const type = stringAt(body, 'type');
  const text = stringAt(body, 'text');
  if (type === 'text' && text !== undefined) return textOf(text);
  if (type === 'image') return imageOf(body);
  if (type === 'resource') return resourceOf(objectAt(body, 'resource'));
  return textOf(`(${kindOf(body)} cannot be shown)`);
}

function imageOf(body: JsonObject | undefined): ToolContent {
  const base64 = stringAt(body, 'data');
  const mimeType = stringAt(body, 'mimeType');
  const isShown =
    base64 !== undefined && mimeType !== undefined && /^image\/[\w.+-]+$/.test(mimeType);
  return isShown
    ? { type: 'image', mimeType, base64 }
    : textOf('(an image without data of a known type cannot be shown)');
}

function resourceOf(resource: JsonObject | undefined): ToolContent {
  const [mimeType, uri] = [wordAt(resource, 'mimeType'), wordAt(resource, 'uri')];
  const text = stringAt(resource, 'text');
  return text === undefined
    ? textOf(`(a binary resource, MIME: ${mimeType}, URI: ${uri}, cannot be shown)`)
    : textOf(`Text resource (MIME: ${mimeType}, URI: ${uri}): ${text}`);
}

function kindOf(body: JsonObject | undefined): string {
  const type = wordAt(body, 'type');
  const mimeType = wordAt(body, 'mimeType');
  if (type === 'audio') return `audio, MIME: ${mimeType},`;
  if (type !== 'resource_link') return `a part of the unknown kind ${type}`;
  return `a link to the resource ${wordAt(body, 'uri')}, MIME: ${mimeType},`;
}

function wordAt(body: JsonObject | undefined, key: string): string {
  return stringAt(body, key)?.slice(0, ERROR_LENGTH_MAX) ?? 'none';
}

function textOf(text: string): ToolContent {
  return { type: 'text', text };
}

function firstText(content: readonly ToolContent[]): string | undefined {
  return content.find((part) => part.type === 'text')?.text;
}

function bytesOf(part: ToolContent): number {
  return part.type === 'text' ? Buffer.byteLength(part.text) : part.base64.length;
}

function structuredBytes(structured: JsonObject | undefined): number {
  return structured === undefined ? 0 : Buffer.byteLength(jsonText(structured));
}

import { STATUS_CODES } from 'node:http';
import { redactedHeaders, redactedTarget } from './redaction.ts';

export interface DumpedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
}

/** The lines before the body as they go on the wire, but for what concerns the connection alone. */
export function requestHead({ method, path, headers, body }: DumpedRequest, host: string): string {
  const length = body === undefined ? [] : ['content-length', String(body.length)];
  return head(`${method} ${redactedTarget(path)} HTTP/1.1`, ['host', host, ...headers, ...length]);
}

/** The body stands in the dump without its chunks, so it reads as one that ends with the file. */
export function answerHead(status: number, headers: readonly string[]): string {
  const reason = STATUS_CODES[status] ?? '';
  return head(`HTTP/1.1 ${status} ${reason}`, withoutChunking(headers));
}

function head(first: string, headers: readonly string[]): string {
  const redacted = redactedHeaders(headers);
  let text = `${first}\r\n`;
  for (let index = 0; index + 1 < redacted.length; index += 2) {
    text += `${redacted[index]}: ${redacted[index + 1]}\r\n`;
  }
  return `${text}\r\n`;
}

function withoutChunking(headers: readonly string[]): string[] {
  const isKept = (index: number): boolean =>
    headers[index - (index % 2)]?.toLowerCase() !== 'transfer-encoding';
  return headers.filter((_, index) => isKept(index));
}

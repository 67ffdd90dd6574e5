import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';

import type { Behaviour, Encoding, HeaderBag, Reply } from './behaviours/behaviour.ts';
import type { Problem } from './behaviours/problem.ts';
import type { Call } from './call.ts';
import { editFrames } from './edit-frames.ts';
import { awsError } from './aws/error.ts';
import { encodeAwsFrame } from './aws/event-stream.ts';
import { encodeFrame, type Frame } from './frame.ts';
import { renderAnswer, type Rendering } from './render/api.ts';
import { errorEnvelope } from './render/error-envelope.ts';
import { limitHeaders, requestIdOf, vendorHeaders } from './render/response-headers.ts';

/** An HTTP response whole; each part is one event of a stream, or all of a body. */
export interface Content {
  readonly status: number;
  readonly headers: HeaderBag;
  readonly parts: readonly Buffer[];
}

const COMPRESS = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync } as const;

export type ContentReply = Exclude<Reply, { kind: 'reset' | 'socket_bytes' }>;

export function contentOf(
  call: Call,
  reply: ContentReply,
  behaviour: Behaviour,
  uniqueIds: boolean,
): Content {
  const content = plainContent(call, reply, behaviour, uniqueIds);
  return behaviour.encoding === undefined ? content : encoded(content, behaviour.encoding);
}

function plainContent(
  call: Call,
  reply: ContentReply,
  behaviour: Behaviour,
  uniqueIds: boolean,
): Content {
  if (reply.kind === 'problem') return problemContent(call, reply.problem, behaviour);
  if (reply.kind === 'answer') {
    return answerContent(call, renderAnswer(call, reply.answer, uniqueIds), behaviour);
  }
  return {
    status: reply.status,
    headers: behaviour.headers ?? {},
    parts: eventsOf(Buffer.from(reply.body)),
  };
}

function encoded(content: Content, encoding: Encoding): Content {
  const bytes = COMPRESS[encoding](Buffer.concat(content.parts));
  const { 'content-length': length, ...rest } = content.headers;
  return {
    ...content,
    headers: {
      ...rest,
      'content-encoding': encoding,
      ...(length !== undefined && { 'content-length': String(bytes.length) }),
    },
    parts: [bytes],
  };
}

function problemContent(call: Call, problem: Problem, behaviour: Behaviour): Content {
  const requestId = requestIdOf(call.ordinal);
  if (call.route.vendor === 'aws') {
    const { status, name, message } = awsError(problem);
    const headers = { ...vendorHeaders('aws', requestId), 'x-amzn-errortype': `${name}:` };
    return json(status, { message }, { ...headers, ...behaviour.headers });
  }
  const body = errorEnvelope(call.route.vendor, problem, requestId);
  return json(problem.status, body, {
    ...vendorHeaders(call.route.vendor, requestId),
    ...behaviour.headers,
  });
}

function answerContent(call: Call, rendering: Rendering, behaviour: Behaviour): Content {
  const { vendor } = call.route;
  const headers = {
    ...vendorHeaders(vendor, requestIdOf(call.ordinal)),
    ...limitHeaders(vendor),
    ...behaviour.headers,
  };
  if (rendering.kind === 'json') return json(rendering.status, rendering.body, headers);
  const frames = editFrames(rendering.frames, behaviour.edits ?? [], call.route);
  if (vendor === 'aws') {
    const type = { 'content-type': 'application/vnd.amazon.eventstream' };
    return { status: 200, headers: { ...type, ...headers }, parts: awsParts(frames) };
  }
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      ...headers,
    },
    parts: frames.map((frame) => encodeFrame(frame, behaviour.framing ?? {})),
  };
}

/** A comment has no place in AWS's framing. */
function awsParts(frames: readonly Frame[]): readonly Buffer[] {
  return frames.map(encodeAwsFrame).filter((part) => part.length > 0);
}

function json(status: number, body: unknown, headers: HeaderBag): Content {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(bytes.length),
      ...headers,
    },
    parts: [bytes],
  };
}

/** A body given as bytes, in parts that end where SSE events end, so that pauses and cuts fall there. */
function eventsOf(body: Buffer): readonly Buffer[] {
  return body
    .toString('latin1')
    .split(/(?<=\n\n|\r\n\r\n|\r\r)/)
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, 'latin1'));
}

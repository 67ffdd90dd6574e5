import { crc32 } from 'node:zlib';
import type { Frame } from '../frame.ts';

const STRING = 7;

/** One frame of AWS's event stream; headers and payload are text. */
function awsFrame(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const encoded = Buffer.concat(
    Object.entries(headers).map(([name, value]) => header(name, value)),
  );
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(encoded.length + body.length + 16, 0);
  prelude.writeUInt32BE(encoded.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const message = Buffer.concat([prelude, encoded, body]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(message));
  return Buffer.concat([message, checksum]);
}

/** An event of the model's, as Bedrock wraps it. */
export function awsChunk(event: string): Buffer {
  const headers = {
    ':event-type': 'chunk',
    ':content-type': 'application/json',
    ':message-type': 'event',
  };
  // `p` is padding, so that lengths do not give texts away.
  const bytes = Buffer.from(event).toString('base64');
  return awsFrame(headers, JSON.stringify({ bytes, p: 'abcdefghijklmnop' }));
}

export function awsException(name: string, message: string): Buffer {
  const headers = {
    ':exception-type': name,
    ':content-type': 'application/json',
    ':message-type': 'exception',
  };
  return awsFrame(headers, JSON.stringify({ message }));
}

/** A frame of Anthropic's stream in Bedrock's; comments have no place in it. */
export function encodeAwsFrame({ event, data }: Frame): Buffer {
  if (data === undefined) return Buffer.alloc(0);
  if (event !== 'error') return awsChunk(data);
  const { error }: { error: { type: string; message: string } } = JSON.parse(data);
  return awsException(EXCEPTION_OF[error.type] ?? 'validationException', error.message);
}

const EXCEPTION_OF: Readonly<Record<string, string>> = {
  rate_limit_error: 'throttlingException',
  overloaded_error: 'serviceUnavailableException',
  timeout_error: 'modelTimeoutException',
  api_error: 'internalServerException',
};

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.from([Buffer.byteLength(name)]),
    Buffer.from(name),
    Buffer.from([STRING]),
    length,
    Buffer.from(value),
  ]);
}

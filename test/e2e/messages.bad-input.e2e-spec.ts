import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import { messagesBody, residentMiB, startSystem, type System } from '../support/system.ts';
import { head, Wire, type WireAnswer } from '../support/wire.ts';

const PATH = '/anthropic/v1/messages';
const MIB = 1024 * 1024;
const ID_HEADER = 'x-aibridge-interception-id';

let system: System;

beforeAll(async () => {
  system = await startSystem({ settings: { ALLOW_BYOK: 'false' } });
  system.simulator.onAnyKey(answer({ text: 'hello' }));
  await request('POST', PATH, { body: messagesBody() });
});

afterAll(() => system.stop());
beforeEach(() => {
  system.simulator.clear();
  system.simulator.onAnyKey(answer({ text: 'hello' }));
});

interface Sent {
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
}

async function request(method: string, path: string, sent: Sent = {}): Promise<WireAnswer> {
  const wire = await Wire.connect(system.bridge.url);
  const { body, headers = [] } = sent;
  const length = body === undefined ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  await wire.send(head(method, path, [...headers, ...length]));
  if (body !== undefined) await wire.send(body);
  const reply = await wire.answer();
  wire.leave();
  return reply;
}

/** What stands in a fault of the bridge, all but its wording. */
function faultIn(reply: WireAnswer): object {
  const { type, request_id: requestId } = Object(JSON.parse(reply.body));
  return {
    status: reply.status,
    code: reply.headers.get('x-aibridge-error'),
    contentType: reply.headers.get('content-type'),
    isAnthropic: type === 'error' && requestId === reply.headers.get(ID_HEADER),
    leaksCode: /\bat .*:\d+:\d+|node:|\/src\/|dist\//.test(reply.body),
    callsUpstream: system.simulator.calls.length,
  };
}

function fault(status: number, code: string): object {
  const contentType = 'application/json';
  return { status, code, contentType, isAnthropic: true, leaksCode: false, callsUpstream: 0 };
}

const UNREADABLE: [string, Sent, number, string][] = [
  ['no JSON', { body: '{"model": ' }, 400, 'bad_request'],
  ['a JSON array', { body: '[]' }, 400, 'bad_request'],
  ['JSON null', { body: 'null' }, 400, 'bad_request'],
  ['an empty body', { body: '' }, 400, 'bad_request'],
  ['no body', {}, 400, 'bad_request'],
  ['no UTF-8', { body: Buffer.from([0xff, 0xfe, 0x00]) }, 400, 'bad_request'],
  ['deep nesting that ends nowhere', { body: '['.repeat(2 * MIB) }, 400, 'bad_request'],
  ['gzip that is none', { headers: ['content-encoding: gzip'], body: '{}' }, 400, 'bad_request'],
  [
    'gzip that unfolds to 64 MiB',
    { headers: ['content-encoding: gzip'], body: gzipSync(Buffer.alloc(64 * MIB)) },
    413,
    'body_too_large',
  ],
  [
    'an unknown encoding',
    { headers: ['content-encoding: rot13'], body: '{}' },
    415,
    'unsupported_encoding',
  ],
];

test.each(UNREADABLE)('%s is refused and recorded as failed', async (_, sent, status, code) => {
  const reply = await request('POST', PATH, sent);

  expect(faultIn(reply)).toEqual(fault(status, code));
  const id = reply.headers.get(ID_HEADER) ?? '';
  expect(await system.tables.ended(id)).toMatchObject({
    status: 'failed',
    error_type: code,
    attempt_count: 0,
  });
});

const AT_THE_DOOR: [string, Sent, number, string][] = [
  [`GET ${PATH}`, {}, 405, 'method_not_allowed'],
  [`DELETE ${PATH}`, {}, 405, 'method_not_allowed'],
  [`PUT ${PATH}`, { body: '{}' }, 405, 'method_not_allowed'],
  [`OPTIONS ${PATH}`, {}, 405, 'method_not_allowed'],
  ['POST /anthropic', { body: '{}' }, 405, 'method_not_allowed'],
  ['POST /anthropic/v1/nothing', { body: '{}' }, 404, 'unknown_route'],
  [`POST ${PATH}/`, { body: messagesBody() }, 404, 'unknown_route'],
  ['POST /anthropic//v1/messages', { body: messagesBody() }, 404, 'unknown_route'],
  ['POST /anthropic/v1/../v1/messages', { body: messagesBody() }, 404, 'unknown_route'],
  ['POST /anthropic/v1/models/..%2fmessages', { body: messagesBody() }, 404, 'unknown_route'],
  ['GET /anthropic/%zz', {}, 404, 'unknown_route'],
  ['GET /anthropic/%ff', {}, 404, 'unknown_route'],
  [`POST ${PATH}`, { body: '{}', headers: ['x-api-key: sk-mine'] }, 403, 'byok_disabled'],
];

test.each(AT_THE_DOOR)('%s %o is a %i %s', async (line, sent, status, code) => {
  const [method = '', path = ''] = line.split(' ');
  const reply = await request(method, path, sent);

  expect(faultIn(reply)).toEqual(fault(status, code));
});

test('a method that is not taken is answered with those that are', async () => {
  const [onRoute, onRoot] = [await request('PUT', PATH), await request('PUT', '/anthropic')];

  expect(onRoute.headers.get('allow')).toBe('POST');
  expect(onRoot.headers.get('allow')).toBe('GET, HEAD');
});

function manyHeaders(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `x-${index}: 1`);
}

/** What belongs to no provider has no provider's envelope. */
test.each([
  ['POST', '/nobody/v1/messages'],
  ['GET', '/%zz'],
  ['GET', '//'],
  ['GET', '//anthropic/v1/models'],
  ['GET', 'http://elsewhere.example/anthropic/v1/models'],
  ['OPTIONS', '*'],
])('%s %s is a 404 in JSON', async (method, path) => {
  const reply = await request(method, path);

  expect(reply.status).toBe(404);
  expect(JSON.parse(reply.body)).toEqual(expect.any(Object));
  expect(reply.body).not.toContain('node_modules');
  expect(system.simulator.calls).toEqual([]);
});

test.each([
  ['a header of 200 KiB', head('GET', '/anthropic', [`x-bomb: ${'a'.repeat(200 * 1024)}`]), 431],
  // All of them count: were the surplus dropped, a second name of the caller could hide there.
  ['501 headers', head('GET', '/anthropic', manyHeaders(501)), 431],
  ['100,000 headers', head('GET', '/anthropic', manyHeaders(100_000)), 431],
  ['a URL of 200 KiB', head('GET', `/anthropic?${'a'.repeat(200 * 1024)}`), 431],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['two lengths', head('POST', PATH, ['content-length: 1', 'content-length: 2']), 400],
  [
    'a length and chunks',
    head('POST', PATH, ['content-length: 5', 'transfer-encoding: chunked']),
    400,
  ],
])('%s is turned away, and the connection ends', async (_, bytes, status) => {
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(bytes);
  expect((await wire.head()).status).toBe(status);
  await wire.ends();
  expect(system.simulator.calls).toEqual([]);
});

test('a body in broken chunks ends the connection and reaches nothing', async () => {
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(`${head('POST', PATH, ['transfer-encoding: chunked'])}zz\r\n`);
  await wire.ends();
  expect(system.simulator.calls).toEqual([]);
});

test('after a refusal the same connection serves the next request', async () => {
  const wire = await Wire.connect(system.bridge.url);
  for (const [body, status] of [
    ['[]', 400],
    [messagesBody(), 200],
    ['', 400],
    [messagesBody(), 200],
  ] as const) {
    await wire.post(PATH, body);
    expect((await wire.answer()).status).toBe(status);
  }
  wire.leave();
});

test('pipelined requests are answered in their order, refusals among them', async () => {
  const wire = await Wire.connect(system.bridge.url);
  const one = (body: string): string =>
    `${head('POST', PATH, [`content-length: ${body.length}`])}${body}`;
  await wire.send(one('[]') + one(messagesBody()) + head('GET', PATH) + one(messagesBody()));

  const replies = [];
  while (replies.length < 4) replies.push((await wire.answer()).status);
  expect(replies).toEqual([400, 200, 405, 200]);
  wire.leave();
});

/** Sends body bytes until the other side has had enough. Answers how many MiB left. */
async function pour(wire: Wire, piece: Buffer): Promise<number> {
  for (let sent = 0; sent < 512; sent += 1) {
    if (wire.end !== undefined || !(await wire.send(piece))) return sent;
  }
  return Infinity;
}

const TOO_LARGE = [
  { headers: ['content-length: 34603008'], piece: Buffer.alloc(MIB, 'x') },
  { headers: ['content-length: 999999999999'], piece: Buffer.alloc(MIB, 'x') },
  {
    headers: ['transfer-encoding: chunked'],
    piece: Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MIB, 'x'), Buffer.from('\r\n')]),
  },
];

test('bodies over 32 MiB, announced, endless and chunked, are refused while they arrive', async () => {
  const beforeMiB = await residentMiB(system.bridge.pid);
  const refused = await Promise.all(TOO_LARGE.map(pourAndReadOn));

  for (const { reply, endedAfterMs } of refused) {
    expect(faultIn(reply)).toEqual(fault(413, 'body_too_large'));
    expect(reply.headers.get('connection')).toBe('close');
    expect(endedAfterMs).toBeLessThan(3_000);
    const id = reply.headers.get(ID_HEADER) ?? '';
    expect(await system.tables.ended(id)).toMatchObject({ error_type: 'body_too_large' });
  }
  // Only the chunked one may have been kept, up to the limit, until it was known to be too long.
  expect(await residentMiB(system.bridge.pid)).toBeLessThan(beforeMiB + 120);
});

/** A client that goes on sending while it is answered, as most do. */
async function pourAndReadOn({ headers, piece }: (typeof TOO_LARGE)[number]) {
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(head('POST', PATH, headers));
  const poured = pour(wire, piece);
  const reply = await wire.answer();
  const answeredAtMs = performance.now();
  await wire.ends();
  const endedAfterMs = performance.now() - answeredAtMs;
  await poured;
  wire.leave();
  return { reply, endedAfterMs };
}

test('a body of just 32 MiB passes', async () => {
  const frame = messagesBody({ padding: '' });
  const body = messagesBody({ padding: 'x'.repeat(32 * MIB - frame.length) });
  const reply = await request('POST', PATH, { body });

  expect(reply.status).toBe(200);
  expect(system.simulator.calls[0]?.body.length).toBe(32 * MIB);
});

test('who waits to be asked for a body that is too large is told at once', async () => {
  const wire = await Wire.connect(system.bridge.url);
  await wire.send(head('POST', PATH, ['content-length: 99999999', 'expect: 100-continue']));
  const reply = await wire.answer();
  expect(faultIn(reply)).toEqual(fault(413, 'body_too_large'));
  wire.leave();
});

test('who waits to be asked for a body is asked for it', async () => {
  const wire = await Wire.connect(system.bridge.url);
  const body = messagesBody();
  await wire.send(head('POST', PATH, [`content-length: ${body.length}`, 'expect: 100-continue']));
  expect((await wire.head()).status).toBe(100);
  await wire.send(body);
  expect((await wire.answer()).status).toBe(200);
  expect(system.simulator.calls[0]?.headers['expect']).toBeUndefined();
  wire.leave();
});

test('none of this made the bridge complain about itself', () => {
  const faults = system.bridge.logs.filter(({ level }) => level === 'error');
  expect([faults, system.bridge.otherOutput]).toEqual([[], []]);
});

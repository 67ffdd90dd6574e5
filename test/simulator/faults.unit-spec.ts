import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import {
  answer,
  bigAnswer,
  bigFrame,
  combine,
  commentFrames,
  compressed,
  crlf,
  cut,
  errorFirst,
  errorMidStream,
  framed,
  keepAlives,
  malformedFrame,
  missingTerminal,
  neverAnswers,
  paced,
  rawResponse,
  rawSocket,
  resetBeforeHeaders,
  slowFirstToken,
  splitAt,
  splitEvery,
  stall,
  startSimulator,
  stepped,
  unknownEvents,
  type Behaviour,
  type Simulator,
} from './index.ts';
import { RawClient, type RawReply } from './raw-client.ts';

const KEY = 'sk-fault';
const BODY = { model: 'm', stream: true, max_tokens: 5, messages: [] };

describe('simulated faults, seen from the socket', () => {
  let sim: Simulator;

  beforeAll(async () => {
    sim = await startSimulator();
  });
  afterEach(() => {
    sim.assertNoUnscripted();
    sim.clear();
  });
  afterAll(async () => {
    await sim.close();
  });

  const posted = (behaviour: Behaviour, path = '/v1/messages', body: object = BODY): RawClient => {
    sim.key(KEY).always(behaviour);
    return new RawClient(sim.url).post(path, KEY, body);
  };
  const reply = async (...parts: Behaviour[]): Promise<RawReply> =>
    posted(combine(...parts)).ends();
  const streamed = async (...parts: Behaviour[]): Promise<string> => (await reply(...parts)).body;
  const healthy = async (): Promise<string> => streamed(answer());

  it('resets the connection before any header', async () => {
    await expect(reply(resetBeforeHeaders())).resolves.toMatchObject({ text: '', end: 'reset' });
    expect(sim.calls[0]).toMatchObject({ outcome: 'reset', sent: { status: null } });
  });

  it('never answers, and sees the client leave', async () => {
    const client = posted(neverAnswers());
    const call = await sim.waitForCall();
    client.leave();
    await expect(call.ended).resolves.toMatchObject({ outcome: 'never_answered' });
    expect(call.clientClosedAtMs).not.toBeNull();
  });

  it('answers after all when the test releases the call', async () => {
    const client = posted(neverAnswers());
    (await sim.waitForCall()).release();
    expect((await client.ends()).body).toContain('message_stop');
  });

  it('sends headers at once and the first token later', async () => {
    const client = posted(slowFirstToken());
    await client.receivesHeaders();
    expect(client.received.text).not.toContain('event:');
    (await sim.waitForCall()).release();
    await client.receives('message_stop');
  });

  it('stalls in the middle of a stream until the client gives up', async () => {
    const client = posted(stall({ afterEvents: 2 }));
    await client.receives('content_block_start');
    const call = await sim.waitForCall();
    expect(call.sent.text.match(/^event:/gm)).toHaveLength(2);
    client.leave();
    await expect(call.ended).resolves.toMatchObject({ outcome: 'client_closed' });
  });

  it('sends one event per step', async () => {
    const client = posted(stepped());
    const call = await sim.waitForCall();
    call.step();
    await client.receives('message_start');
    expect(client.received.body).not.toContain('content_block_start');
    call.step();
    await client.receives('content_block_start');
    call.release();
    await client.receives('message_stop');
  });

  it('paces events by time', async () => {
    await reply(answer({ chunks: 2 }), paced(3));
    const chunks = sim.calls[0]?.sent.chunks ?? [];
    const gaps = chunks.slice(1).map((chunk, index) => chunk.atMs - (chunks[index]?.atMs ?? 0));
    // Timers may fire a little early against the finer clock.
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['clean', cut({ afterEvents: 3, clean: true }), { isWhole: true, end: 'fin' }, 'cut'],
    ['abrupt', cut({ afterEvents: 3, clean: false }), { isWhole: false, end: 'fin' }, 'cut'],
    [
      'reset',
      cut({ afterEvents: 3, clean: false, reset: true }),
      { isWhole: false, end: 'reset' },
      'reset',
    ],
  ] as const)('cuts a stream after some events: %s', async (_, behaviour, seen, outcome) => {
    const { body, isWhole, end } = await reply(behaviour);
    expect({ isWhole, end }).toEqual(seen);
    expect(body.match(/^event:/gm)).toHaveLength(3);
    expect(sim.calls[0]).toMatchObject({ outcome, clientClosedAtMs: null });
  });

  it.each([true, false])('cuts a body after some bytes, clean: %s', async (clean) => {
    const body = { ...BODY, stream: false };
    const { text } = await posted(cut({ afterBytes: 10, clean }), '/v1/messages', body).ends();
    expect(sim.calls[0]?.sent.bytes).toHaveLength(10);
    // Without an announced length half a body looks whole to HTTP.
    expect(/content-length: \d+/.test(text)).toBe(!clean);
  });

  it('cuts and stalls a blocking answer in its middle', async () => {
    const body = { ...BODY, stream: false };
    await posted(cut({ clean: false }), '/v1/messages', body).ends();
    await posted(cut({ afterBytes: Infinity, clean: false }), '/v1/messages', body).ends();
    const [half, whole] = sim.calls.map((call) => call.sent.bytes.length);
    expect(half).toBe(Math.ceil((whole ?? 0) / 2));
    const client = posted(stall(), '/v1/messages', body);
    await client.receivesHeaders();
    const call = await sim.waitForCall((one) => one.behaviour === 'stall');
    expect(call.sent.bytes.length).toBe(half);
    client.leave();
    await call.ended;
  });

  it('cuts before the first byte of the body but after the headers', async () => {
    const { text } = await reply(cut({ afterBytes: 0, clean: false }));
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  it('sends one event that is no JSON', async () => {
    const events = (await streamed(malformedFrame({ atEvent: 1 }))).split('\n\n');
    const data = events.slice(0, -1).map((event) => event.slice(event.indexOf('data: ') + 6));
    const broken = data.map((text) => isJson(text)).indexOf(false);
    expect(broken).toBe(1);
    expect(data.filter((text) => !isJson(text))).toHaveLength(1);
  });

  it.each([
    ['/v1/messages', 'message_stop'],
    ['/v1/chat/completions', '[DONE]'],
    ['/v1/responses', 'response.completed'],
  ])('leaves out the terminal event of %s', async (path, terminal) => {
    const whole = await posted(answer(), path).ends();
    const short = await posted(missingTerminal(), path).ends();
    expect(whole.body).toContain(terminal);
    expect(short.body).not.toContain(terminal);
    expect(short.isWhole).toBe(true);
    expect(whole.body.startsWith(short.body)).toBe(true);
  });

  it.each([
    [
      '/v1/messages',
      errorFirst('overloaded'),
      /^event: error\ndata: {"type":"error","error":{"type":"overloaded_error",/,
    ],
    [
      '/v1/chat/completions',
      errorFirst('rate_limited'),
      /^data: {"error":{.*"code":"rate_limit_exceeded"}}\n\n$/,
    ],
    [
      '/v1/responses',
      errorFirst('rate_limited'),
      /^event: error\ndata: {.*"type":"error".*"code":"rate_limit_exceeded".*}\n\n$/,
    ],
    [
      '/v1/responses',
      errorFirst('unauthorized', { shape: 'nested' }),
      /"error":{.*"code":"invalid_api_key"/,
    ],
    [
      '/v1/responses',
      errorFirst('server_error', { shape: 'failed' }),
      /^event: response.failed\ndata: .*"status":"failed"/,
    ],
  ])('says an error as the first event of %s', async (path, behaviour, body) => {
    const seen = await posted(behaviour, path).ends();
    expect(seen.text).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(seen.body).toMatch(body);
  });

  it('says an error in the middle of a stream, and nothing after it', async () => {
    const body = await streamed(errorMidStream('overloaded', { afterEvents: 4 }));
    expect(body.match(/^event: .*$/gm)).toEqual([
      'event: message_start',
      'event: content_block_start',
      'event: ping',
      'event: content_block_delta',
      'event: error',
    ]);
  });

  it('puts comments and unknown events between the known ones', async () => {
    const body = await streamed(unknownEvents(), commentFrames('still here'));
    expect(body).toMatch(/^: still here\n\nevent: message_start/);
    expect(body).toContain('event: vendor.future_event\n');
    expect(body).toMatch(/message_stop"}\n\n$/);
  });

  it.each([
    ['CRLF', crlf(), '\r\n'],
    ['CR', framed({ eol: '\r' }), '\r'],
  ])('ends lines with %s', async (_, behaviour, eol) => {
    expect(await streamed(behaviour)).toBe((await healthy()).replaceAll('\n', eol));
  });

  it('says nothing but comments until the first event', async () => {
    const client = posted(combine(keepAlives({ count: 2 }), stepped()));
    const call = await sim.waitForCall();
    const comment = ': keep-alive\n\n';
    call.step();
    await client.receives(comment);
    call.step();
    call.step();
    await client.receives('message_start');
    expect(client.received.body.startsWith(`${comment}${comment}event: message_start`)).toBe(true);
    call.release();
    const { body } = await client.ends();
    expect(body.replaceAll(comment, '')).toBe(await healthy());
  });

  it('tells of every piece when it was handed over, and when it had left', async () => {
    await streamed(paced(1));
    const [call] = sim.calls;
    const chunks = call?.sent.chunks ?? [];
    expect(chunks.length).toBeGreaterThan(3);
    for (const { atMs, leftAtMs } of chunks) expect(leftAtMs).toBeGreaterThanOrEqual(atMs);
  });

  it('writes frames in every form the SSE specification allows', async () => {
    const body = await streamed(framed({ spaceAfterColon: false, multiLineData: true }));
    expect(body).toMatch(/^event:message_start\ndata:{\ndata: "type": "message_start",\n/);
  });

  it.each([
    ['every byte', splitEvery(1), [1, 1, 1, 1]],
    ['every 7 bytes', splitEvery(7), [7, 7, 7, 7]],
    ['given offsets', splitAt([3, 10, 10_000]), [3, 7]],
    ['one write', splitAt([]), []],
  ])('splits a stream at %s without changing a byte', async (_, split, sizes) => {
    const body = await streamed(split, answer({ text: 'Zoë 👋' }));
    const chunks = sim.calls[0]?.sent.chunks.map((chunk) => chunk.bytes.length) ?? [];
    expect(chunks.slice(0, sizes.length)).toEqual(sizes);
    expect(sim.calls[0]?.sent.bytes.toString('latin1')).toBe(
      Buffer.from(body, 'utf8').toString('latin1'),
    );
  });

  it('keeps pauses where they are when it splits', async () => {
    const client = posted(combine(stall({ afterEvents: 1 }), splitEvery(5)));
    await client.receives('message_start');
    const call = await sim.waitForCall();
    expect(call.sent.text.match(/^event:/gm)).toHaveLength(1);
    call.release();
    await client.receives('message_stop');
  });

  it.each([
    ['many', bigAnswer(300_000), 70],
    ['one', bigFrame(300_000), 1],
  ])('sends a big answer in %s frames', async (_, behaviour, deltasMin) => {
    const body = await streamed(behaviour);
    expect(body.length).toBeGreaterThan(300_000);
    expect(body.match(/"text_delta"/g)?.length).toBeGreaterThanOrEqual(deltasMin);
  });

  it('sends raw responses and raw bytes as they are', async () => {
    const raw = rawResponse({
      status: 418,
      headers: { 'x-one': ['a', 'b'] },
      body: 'data: x\n\ndata: y\n\n',
    });
    const { text } = await reply(raw);
    expect(text).toMatch(/^HTTP\/1\.1 418 [^]*x-one: a\r\nx-one: b\r\n/);
    expect(sim.calls[0]?.sent.chunks.map((chunk) => chunk.bytes.toString())).toEqual([
      'data: x\n\n',
      'data: y\n\n',
    ]);
    await expect(reply(rawSocket('no HTTP at all'))).resolves.toMatchObject({
      text: 'no HTTP at all',
      end: 'fin',
    });
  });

  it.each([
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
    ['zstd', zstdDecompressSync],
  ] as const)('compresses with %s', async (encoding, decompress) => {
    const { text } = await reply(compressed(encoding));
    const sent = sim.calls[0]?.sent.bytes ?? Buffer.alloc(0);
    expect(text).toContain(`content-encoding: ${encoding}\r\n`);
    expect(decompress(sent).toString()).toContain('message_stop');
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

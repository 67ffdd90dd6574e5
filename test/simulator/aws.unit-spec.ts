import {
  BedrockRuntimeClient,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, errorMidStream, rateLimited, startSimulator, type Simulator } from './index.ts';

// AWS's own client and this simulator have to agree on what a signature is and on what a refusal
// looks like; otherwise a bridge that pleases the simulator proves nothing.

const KEY = 'AKIASIMULATED0000001';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const TOKEN = 'session+token/with=signs==';
const MODEL = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a b';

let simulator: Simulator;

beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());
beforeEach(() => {
  simulator.aws.add(KEY, { secretAccessKey: SECRET });
  simulator.key(KEY).always(answer({ text: 'hello there' }));
});
afterEach(() => {
  simulator.assertNoUnscripted();
  simulator.clear();
});

interface Client {
  readonly secretAccessKey?: string;
  readonly accessKeyId?: string;
  readonly sessionToken?: string;
  readonly region?: string;
  readonly clockOffsetMs?: number;
}

function client({ region = 'us-east-1', clockOffsetMs = 0, ...credentials }: Client = {}) {
  const made = new BedrockRuntimeClient({
    endpoint: simulator.url,
    region,
    credentials: { accessKeyId: KEY, secretAccessKey: SECRET, ...credentials },
    maxAttempts: 1,
    // Otherwise the client speaks HTTP/2, as AWS does, and the simulator does not.
    requestHandler: new NodeHttpHandler(),
  });
  made.config.systemClockOffset = clockOffsetMs;
  return made;
}

const body = JSON.stringify({ max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] });

async function invoke(options?: Client): Promise<string> {
  const command = new InvokeModelCommand({ modelId: MODEL, body });
  try {
    const { body: answered } = await client(options).send(command);
    return answered.transformToString();
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

describe('what AWS signs is let in', () => {
  test('with a key of its own', async () => {
    expect(await invoke()).toContain('hello there');
    expect(simulator.calls[0]).toMatchObject({ key: KEY, model: MODEL, isStreaming: false });
  });

  test('with a session token', async () => {
    simulator.aws.add(KEY, { secretAccessKey: SECRET, sessionToken: TOKEN });
    expect(await invoke({ sessionToken: TOKEN })).toContain('hello there');
  });

  test('in a stream, which AWS reads to its end', async () => {
    const command = new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body });
    const { body: events } = await client().send(command);
    const types: unknown[] = [];
    for await (const { chunk } of events ?? []) {
      const event: { type: string } = JSON.parse(Buffer.from(chunk?.bytes ?? []).toString());
      types.push(event.type);
    }
    expect(types[0]).toBe('message_start');
    expect(types.at(-1)).toBe('message_stop');
  });
});

describe('what AWS refuses is refused in words that its client knows', () => {
  test.each<[string, Client, string]>([
    ['a wrong secret', { secretAccessKey: 'other' }, 'InvalidSignatureException: The request sig'],
    ['an unknown key', { accessKeyId: 'AKIANOBODY' }, 'UnrecognizedClientException: The security'],
    ['a token too many', { sessionToken: 'x' }, 'UnrecognizedClientException: The security'],
    [
      'a region',
      { region: 'eu-west-1' },
      "InvalidSignatureException: Credential should be scoped to a valid region, not 'eu-west-1'",
    ],
    ['a late clock', { clockOffsetMs: -360_000 }, 'InvalidSignatureException: Signature expired: '],
    ['an early clock', { clockOffsetMs: 360_000 }, 'InvalidSignatureException: Signature not yet'],
  ])('%s', async (_, options, message) => {
    expect(await invoke(options)).toContain(message);
  });

  test('an expired token', async () => {
    simulator.aws.add(KEY, { secretAccessKey: SECRET, sessionToken: TOKEN, isExpired: true });
    expect(await invoke({ sessionToken: TOKEN })).toContain('ExpiredTokenException: ');
  });

  test('a limit', async () => {
    simulator.key(KEY).always(rateLimited());
    expect(await invoke()).toContain('ThrottlingException: Too many requests');
  });

  test('an exception in the middle of a stream', async () => {
    simulator.key(KEY).always(errorMidStream('server_error'));
    const command = new InvokeModelWithResponseStreamCommand({ modelId: MODEL, body });
    const { body: events } = await client().send(command);
    const read = async (): Promise<void> => {
      for await (const event of events ?? []) expect(event).toBeDefined();
    };
    await expect(read()).rejects.toMatchObject({ name: 'InternalServerException' });
  });
});

test('a request that nobody signed, or not all of it, is refused', async () => {
  const url = `${simulator.url}/model/m/invoke`;
  const bare = await fetch(url, { method: 'POST', body });
  expect(bare.headers.get('x-amzn-errortype')).toMatch(/^MissingAuthenticationTokenException/);
  const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=a/b' };
  const half = await fetch(url, { method: 'POST', body, headers });
  expect(half.status).toBe(400);
});

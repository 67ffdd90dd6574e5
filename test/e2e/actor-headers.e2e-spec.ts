import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answer, rateLimited } from '../simulator/index.ts';
import { APIS_UNDER_TEST } from '../support/api-under-test.ts';
import { Fleet } from '../support/fleet.ts';

const OWN_KEY = 'sk-ant-api03-a-key-of-somebodys-own';
/** What a caller would like the provider to believe. */
const FORGED = {
  'X-AI-Bridge-Actor-ID': 'ceo@corp',
  'x-ai-bridge-actor-metadata-team': 'board',
  X_AI_Bridge_Actor_ID: 'ceo@corp',
  'x-aibridge-actor-id': 'ceo@corp',
};

/** Both believe the gateway on this machine; one tells providers who calls. */
const silent = new Fleet();
const telling = new Fleet();
const PROVIDERS = new Map(
  [silent, telling].map((fleet) => [
    fleet,
    APIS_UNDER_TEST.map((api) => ({ api, provider: fleet.provider(api.type) })),
  ]),
);

beforeAll(async () => {
  const env = { AIBRIDGE_IDENTITY: 'header' };
  await silent.start(env);
  await telling.start({ ...env, AIBRIDGE_SEND_ACTOR_HEADERS: 'true' });
});
afterEach(() => {
  for (const fleet of [silent, telling]) fleet.simulator.clear();
});
afterAll(async () => {
  await silent.stop();
  await telling.stop();
});

interface Question {
  readonly fleet: Fleet;
  readonly route: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The headers of every upstream call that speak about the caller, whatever their spelling. */
async function actorHeadersOf({ fleet, route, body, headers }: Question): Promise<unknown[]> {
  const res = await fetch(`${fleet.bridge.url}${route}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-forwarded-user': "Ann O'Hara", ...FORGED, ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect([res.status, await res.text()]).toEqual([200, expect.anything()]);
  return fleet.simulator.calls.map((call) =>
    Object.fromEntries(Object.entries(call.headers).filter(([name]) => /actor/i.test(name))),
  );
}

const SENT = { 'x-ai-bridge-actor-id': "Ann%20O'Hara" };

// Protects who is who: a provider may believe these headers because nobody else can set them.
describe.each([
  ['tells who calls when asked to', telling, SENT],
  ['tells nothing by default', silent, {}],
])('a bridge %s, and nothing that a caller claims,', (_, fleet, expected) => {
  const [first] = PROVIDERS.get(fleet) ?? [];

  test.each(PROVIDERS.get(fleet) ?? [])('in $api.title', async ({ api, provider }) => {
    fleet.simulator.onAnyKey(answer());
    for (const streaming of [false, true]) {
      fleet.simulator.clear();
      fleet.simulator.onAnyKey(answer());
      const route = `/${provider.name}${api.route}`;
      const body = api.body({ prompt: 'hi', streaming });
      expect(await actorHeadersOf({ fleet, route, body })).toEqual([expected]);
    }
  });

  test('when the caller pays', async () => {
    fleet.simulator.onAnyKey(answer());
    const route = `/${first?.provider.name}${first?.api.route}`;
    const body = first?.api.body({ prompt: 'hi', streaming: false }) ?? {};
    const headers = { 'x-api-key': OWN_KEY, authorization: `Bearer ${OWN_KEY}` };
    expect(await actorHeadersOf({ fleet, route, body, headers })).toEqual([expected]);
    expect(fleet.simulator.calls.map(({ key }) => key)).toEqual([OWN_KEY]);
  });

  test('on a route without a model', async () => {
    fleet.simulator.onAnyKey(answer());
    const route = `/${first?.provider.name}/v1/models`;
    expect(await actorHeadersOf({ fleet, route })).toEqual([expected]);
  });

  test('with the second key, too', async () => {
    const [, second] = PROVIDERS.get(fleet) ?? [];
    const [limited = '', other = ''] = second?.provider.keys ?? [];
    fleet.simulator.key(limited).always(rateLimited({ retryAfter: 60 }));
    fleet.simulator.key(other).always(answer());
    const route = `/${second?.provider.name}${second?.api.route}`;
    const body = second?.api.body({ prompt: 'hi', streaming: false }) ?? {};
    expect(await actorHeadersOf({ fleet, route, body })).toEqual([expected, expected]);
  });
});

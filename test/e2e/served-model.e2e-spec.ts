import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answer } from '../simulator/index.ts';
import {
  CHAT_COMPLETIONS,
  MESSAGES,
  RESPONSES,
  type ApiUnderTest,
  type Mode,
} from '../support/api-under-test.ts';
import { Fleet } from '../support/fleet.ts';
import { recordOf } from '../support/record-of.ts';

const fleet = new Fleet();
const PROVIDERS = { openai: fleet.provider('openai'), anthropic: fleet.provider('anthropic') };

beforeAll(() => fleet.start());
afterAll(() => fleet.stop());

/** The model that is recorded as the one that served. */
async function servedModel(api: ApiUnderTest, mode: Mode, model: string): Promise<unknown> {
  fleet.simulator.clear();
  fleet.simulator.onAnyKey(answer({ model, text: 'hello', usage: { input: 3, output: 4 } }));
  const provider = api.type === 'anthropic' ? PROVIDERS.anthropic : PROVIDERS.openai;
  const res = await fetch(`${fleet.bridge.url}/${provider.name}${api.route}`, {
    method: 'POST',
    body: JSON.stringify(api.body({ prompt: 'hi', streaming: mode === 'streaming' })),
  });
  await res.text();
  return (await recordOf(fleet.tables, res)).row['served_model'];
}

async function asked(path: string): Promise<unknown> {
  return (await fetch(`${fleet.bridge.url}/api/v1${path}`)).json();
}

describe.each([MESSAGES, CHAT_COMPLETIONS, RESPONSES])('$title', (api) => {
  test.each(['blocking', 'streaming'] as const)('%s: the answer names its model', async (mode) => {
    const dated = `${api.name}-${mode}-20251101`;
    expect(await servedModel(api, mode, dated)).toBe(dated);

    expect(await asked(`/interceptions?servedModel=${dated}`)).toMatchObject({
      items: [{ servedModel: dated }],
    });
    expect(await asked('/usage?groupBy=servedModel')).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ servedModel: dated })]),
    });
    expect(JSON.stringify(await asked(`/facets/servedModels?prefix=${dated}`))).toContain(dated);
  });

  test.each(['blocking', 'streaming'] as const)('%s: a name has a bound', async (mode) => {
    expect(String(await servedModel(api, mode, 'm'.repeat(5_000)))).toHaveLength(256);
  });

  test.each(['blocking', 'streaming'] as const)('%s: an answer may name none', async (mode) => {
    expect(await servedModel(api, mode, '')).toBeNull();
  });
});

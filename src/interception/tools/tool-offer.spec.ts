import { expect, it } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import type { OfferedTool } from '../../mcp/index.ts';
import { RESPONSES } from '../apis/responses/index.ts';
import { textOf } from './tool-loop.ts';
import { offerTools, type Offer } from './tool-offer.ts';
import { TurnsKept } from './turns-kept.ts';

const TOOL: OfferedTool = {
  name: 'bmcp_files_read',
  description: '',
  inputSchema: { type: 'object' },
  tool: 'read',
  server: 'files',
  serverUrl: 'http://files/mcp',
};
const asker = {
  instance: { name: 'openai' },
  caller: { id: 'alice', metadata: {}, groups: [] },
};

/** What is offered with a request, where the provider has gone on from `resp_1` to `resp_2`. */
function offerWith(body: object): Offer | undefined {
  const { tools: dialect } = RESPONSES;
  if (dialect === undefined) throw new Error('the API has no tools');
  const kept = new TurnsKept(new FakeClock());
  const nothing = { before: [], said: [], results: [], callersCalls: [] };
  kept.of('openai alice').keep({ ...nothing, names: ['resp_1'], lastId: 'resp_2' });
  const servers = { offerFor: () => [TOOL], call: () => Promise.reject(new Error('never')) };
  const limits = { turnsMax: 1, totalTimeoutMs: 1, requestBytesMax: 1 };
  const request = textOf(Buffer.from(JSON.stringify(body)));
  return offerTools(asker, { dialect, request, purpose: 'main' }, { servers, kept, limits });
}

it('goes on from the last turn, and offers tools', () => {
  const offer = offerWith({ previous_response_id: 'resp_1' });
  expect(JSON.parse(String(offer?.loop?.request.json))).toMatchObject({
    previous_response_id: 'resp_2',
    tools: [{ name: TOOL.name }],
  });
});

it.each([{ tool_choice: 'none' }, { tools: [{ type: 'function', name: TOOL.name }] }])(
  'goes on from the last turn where there are none to offer: %j',
  (fields) => {
    const offer = offerWith({ previous_response_id: 'resp_1', ...fields });
    expect(offer?.loop).toBeUndefined();
    expect(offer?.request?.body).toEqual({ previous_response_id: 'resp_2', ...fields });
  },
);

it('leaves a request alone that forbids tools and goes on from nothing', () => {
  const offer = offerWith({ tool_choice: 'none', input: 'hi' });
  expect(offer).toMatchObject({ loop: undefined, request: undefined });
  expect(offer?.notes).toHaveLength(1);
});

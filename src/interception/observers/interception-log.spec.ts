import { expect, it } from 'vitest';
import { endFacts, startFacts } from '../../../test/support/record-events.ts';
import type { EndFacts, StartFacts } from '../../recording/index.ts';
import { UNRECORDED } from '../../recording/index.ts';
import { Logger, type LogFields } from '../../telemetry/index.ts';
import { InterceptionLog } from './interception-log.ts';

const START = startFacts({
  initiatorId: 'alice',
  streaming: true,
  client: 'Unknown',
  userAgent: 'curl/8',
});
const END = endFacts({
  durationMs: 12,
  attemptCount: 2,
  failedOver: true,
  credentialHint: 'sk-a...0002',
  tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
  firstByteMs: 5,
  overheadMs: 1,
});

class ListedLogger extends Logger {
  readonly lines: { level: string; message: string; fields: LogFields }[] = [];

  override debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  override info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  override warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  override error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }
}

async function loggedBy(
  { isVerbose }: { isVerbose: boolean },
  start: StartFacts,
  end: EndFacts,
): Promise<ListedLogger['lines']> {
  const logger = new ListedLogger();
  const recorder = { start: () => Promise.resolve(UNRECORDED) };
  const record = await new InterceptionLog(recorder, logger, isVerbose).start('an-id', start);
  await record.end(end);
  return logger.lines;
}

it('J1 names no key at the start and the one that served at the end', async () => {
  expect(await loggedBy({ isVerbose: true }, START, END)).toEqual([
    {
      level: 'debug',
      message: 'interception started',
      fields: {
        interception_id: 'an-id',
        provider: 'anthropic',
        route: '/v1/messages',
        user_agent: 'curl/8',
        streaming: true,
        credential_kind: 'centralized',
        credential_hint: '<keypool-pending>',
      },
    },
    {
      level: 'debug',
      message: 'interception ended',
      fields: {
        interception_id: 'an-id',
        provider: 'anthropic',
        route: '/v1/messages',
        status: 'completed',
        upstream_status: 200,
        attempts: 2,
        credential_kind: 'centralized',
        credential_hint: 'sk-a...0002',
        duration_ms: 12,
      },
    },
  ]);
});

it("J4 names the caller's own key from start to end", async () => {
  const own = { ...START, credentialKind: 'byok', credentialHint: 'sk-m...mine' } as const;
  const hints = (await loggedBy({ isVerbose: true }, own, END)).map(
    ({ fields }) => fields['credential_hint'],
  );
  expect(hints).toEqual(['sk-m...mine', 'sk-m...mine']);
});

it('warns of a failure whatever the level, and of nothing else', async () => {
  const failure: EndFacts = { ...END, status: 'failed', errorType: 'keys_rate_limited' };
  expect(await loggedBy({ isVerbose: false }, START, END)).toEqual([]);
  expect(await loggedBy({ isVerbose: false }, START, failure)).toMatchObject([
    {
      level: 'warn',
      message: 'interception failed',
      fields: { error_type: 'keys_rate_limited', attempts: 2, credential_hint: 'sk-a...0002' },
    },
  ]);
});

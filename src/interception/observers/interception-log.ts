import type { EndFacts, InterceptionRecord, StartFacts } from '../../recording/index.ts';
import type { Logger } from '../../telemetry/index.ts';
import type { StartRecorder } from '../record/open-record.ts';

/** What stands for the hint in the log while no key has been chosen. */
const PENDING_HINT = '<keypool-pending>';

/**
 * Says in the log when an interception starts and how it ends: facts of the record,
 * without a word of what was asked or answered. What is not recorded is not logged.
 */
export class InterceptionLog implements StartRecorder {
  readonly #recorder: StartRecorder;
  readonly #logger: Logger;
  readonly #isVerbose: boolean;

  /** `isVerbose`: whether anybody reads debug lines; otherwise none is put together. */
  constructor(recorder: StartRecorder, logger: Logger, isVerbose: boolean) {
    this.#recorder = recorder;
    this.#logger = logger;
    this.#isVerbose = isVerbose;
  }

  async start(id: string, facts: StartFacts): Promise<InterceptionRecord> {
    const record = await this.#recorder.start(id, facts);
    if (this.#isVerbose) this.#logger.debug('interception started', startFields(id, facts));
    return new LoggedRecord(record, (end) => this.#ended(id, facts, end));
  }

  #ended(id: string, start: StartFacts, end: EndFacts): void {
    if (end.status === 'failed')
      this.#logger.warn('interception failed', endFields(id, start, end));
    else if (this.#isVerbose) this.#logger.debug('interception ended', endFields(id, start, end));
  }
}

function startFields(id: string, facts: StartFacts): Record<string, unknown> {
  const { credentialKind, credentialHint } = facts;
  return {
    interception_id: id,
    provider: facts.providerName,
    route: facts.route,
    user_agent: facts.userAgent,
    streaming: facts.streaming,
    credential_kind: credentialKind,
    credential_hint: credentialKind === 'centralized' ? PENDING_HINT : credentialHint,
  };
}

function endFields(id: string, start: StartFacts, end: EndFacts): Record<string, unknown> {
  return {
    interception_id: id,
    provider: start.providerName,
    route: start.route,
    status: end.status,
    ...(end.errorType !== null && { error_type: end.errorType }),
    upstream_status: end.upstreamStatus,
    attempts: end.attemptCount,
    credential_kind: start.credentialKind,
    credential_hint: start.credentialKind === 'byok' ? start.credentialHint : end.credentialHint,
    duration_ms: end.durationMs,
  };
}

/** A record that also tells of its end, once that is recorded. */
class LoggedRecord implements InterceptionRecord {
  readonly attemptBegun: InterceptionRecord['attemptBegun'];
  readonly headArrived: InterceptionRecord['headArrived'];
  readonly attempt: InterceptionRecord['attempt'];
  readonly usageSoFar: InterceptionRecord['usageSoFar'];
  readonly usage: InterceptionRecord['usage'];
  readonly prompt: InterceptionRecord['prompt'];
  readonly toolBegun: InterceptionRecord['toolBegun'];
  readonly tool: InterceptionRecord['tool'];
  readonly thought: InterceptionRecord['thought'];
  readonly flush: InterceptionRecord['flush'];
  readonly end: InterceptionRecord['end'];

  constructor(record: InterceptionRecord, onEnd: (facts: EndFacts) => void) {
    this.attemptBegun = (facts) => record.attemptBegun(facts);
    this.headArrived = (status) => record.headArrived(status);
    this.attempt = (facts) => record.attempt(facts);
    this.usageSoFar = (facts) => record.usageSoFar(facts);
    this.usage = (facts) => record.usage(facts);
    this.prompt = (facts) => record.prompt(facts);
    this.toolBegun = (facts) => record.toolBegun(facts);
    this.tool = (facts, row) => record.tool(facts, row);
    this.thought = (facts) => record.thought(facts);
    this.flush = () => record.flush();
    this.end = async (facts) => {
      await record.end(facts);
      onEnd(facts);
    };
  }
}

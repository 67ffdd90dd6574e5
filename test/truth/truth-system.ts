import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator } from '../simulator/index.ts';
import { ToolServer } from '../simulator/mcp/index.ts';
import { AuditTables } from '../support/audit-tables.ts';
import type { Bridge } from '../support/bridge.ts';
import { createTestDatabase, type TestDatabase, type TestServer } from '../support/postgres.ts';
import { toolServerVariables, toolsAreKnown } from '../support/tools.ts';
import { CallBook } from './call-book.ts';
import { DatabasePulse } from './database-pulse.ts';
import type { Habits } from './habits.ts';
import { DEFAULT_COOLDOWN_MS } from './key-refusal.ts';
import { MortalBridge, type Life } from './mortal-bridge.ts';
import { providerOf, variablesOf, type TruthProvider } from './providers.ts';
import type { PlannedRequest } from './scenario.ts';
import { LOOP_TOOLS, OPERATORS, TOOL_SERVER, TOOL_USERS } from './tool-loops.ts';

export const BRIDGES = 2;

/** Two bridges on one database, in front of providers of their own. */
export class TruthSystem {
  readonly providers: readonly TruthProvider[];
  readonly book = new CallBook();
  readonly simulator: Simulator;
  readonly tables: AuditTables;
  readonly pulse: DatabasePulse;
  readonly bridges: readonly MortalBridge[];
  /** Undefined where no request is offered tools. */
  readonly tools: ToolServer | undefined;
  readonly #database: TestDatabase;
  readonly #directory: string;

  private constructor(
    made: Pick<TruthSystem, 'providers' | 'book' | 'simulator' | 'bridges' | 'pulse' | 'tools'>,
    database: TestDatabase,
    directory: string,
  ) {
    this.providers = made.providers;
    this.book = made.book;
    this.simulator = made.simulator;
    this.bridges = made.bridges;
    this.pulse = made.pulse;
    this.tools = made.tools;
    this.#database = database;
    this.#directory = directory;
    this.tables = new AuditTables(database.url);
  }

  static async start(
    providerCount: number,
    {
      server,
      program,
      habits,
    }: { server: TestServer; program: string | undefined; habits: Habits },
  ): Promise<TruthSystem> {
    const book = new CallBook();
    const providers = Array.from({ length: providerCount }, (_, index) => providerOf(index));
    const [simulator, database] = await Promise.all([
      startSimulator({ keepCalls: 0, onCall: book.add }),
      createTestDatabase(server),
    ]);
    const directory = await mkdtemp(path.join(tmpdir(), 'aibridge-truth-'));
    const place = { simulatorUrl: simulator.url, directory };
    const variables = await Promise.all(
      providers.map((provider, index) => variablesOf(provider, index, place)),
    );
    const tools = habits.has('tool_loops')
      ? await ToolServer.start({ tools: LOOP_TOOLS })
      : undefined;
    const env = {
      DATABASE_URL: database.url,
      LOG_LEVEL: 'info',
      AIBRIDGE_COOLDOWN_DEFAULT: `${DEFAULT_COOLDOWN_MS}ms`,
      AIBRIDGE_KEY_RECHECK: 'off',
      AIBRIDGE_BREAKER: 'off',
      ...Object.assign({}, ...variables),
      ...(tools && toolSettings(tools)),
    };
    const ready = async (bridge: Bridge): Promise<void> => {
      if (tools !== undefined) await toolsAreKnown(bridge, AS_OPERATOR);
    };
    const bridges = await Promise.all(
      Array.from({ length: BRIDGES }, () => MortalBridge.start({ env, program, ready })),
    );
    const pulse = await DatabasePulse.start(database.url);
    return new TruthSystem(
      { providers, book, simulator, bridges, pulse, tools },
      database,
      directory,
    );
  }

  /** A process of the bridge that a request is for, or of the next one that is there. */
  lifeFor({ bridge }: PlannedRequest): Promise<Life> {
    const inTurn = [...this.bridges.slice(bridge), ...this.bridges.slice(0, bridge)];
    return Promise.race(inTurn.map(({ life }) => life));
  }

  /** Answers what the bridges did that they may not do. */
  async stop(): Promise<readonly string[]> {
    await Promise.all(this.bridges.map((bridge) => bridge.stop()));
    await this.pulse.stop();
    await this.tables.close();
    await this.simulator.close();
    await this.tools?.close();
    await this.#database.drop();
    await rm(this.#directory, { recursive: true, force: true });
    return this.bridges.flatMap(({ faults }) => faults);
  }
}

const AS_OPERATOR = { 'x-forwarded-user': 'operator', 'x-forwarded-groups': OPERATORS };

/** Only who says that it is in the group is offered the tools; for all others nothing changes. */
function toolSettings(tools: ToolServer): Record<string, string> {
  return {
    AIBRIDGE_IDENTITY: 'header',
    AIBRIDGE_ADMIN_GROUPS: OPERATORS,
    ...toolServerVariables(tools, { NAME: TOOL_SERVER, GROUPS: TOOL_USERS }),
  };
}

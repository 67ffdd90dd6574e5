import type { KeyRecord } from '../key/key-record.ts';
import type { KeyScope } from '../key/key-state.ts';
import type { KeyTransition } from '../key/key-transition.ts';

export interface KeyName {
  readonly provider: string;
  readonly fingerprint: string;
}

/** A transition of this process on its way to the others. */
export type KeyChange = Pick<KeyTransition, 'record' | 'reason' | 'actor' | 'atMs'>;

export interface KeyStateListener {
  /** Another process has changed what is on record about this key. */
  onChange(key: KeyName): void;
  /** Nothing more comes of this session, and what it is asked fails. */
  onLost(error: Error): void;
}

/** A session with the record: reads, merges, and hears of what others change. */
export interface KeyStateSession {
  /** What time it is where the record is kept. */
  nowMs(): Promise<number>;
  /** Without keys: everything. */
  read(keys?: readonly KeyName[]): Promise<readonly KeyRecord[]>;
  /** Answers what is on record about these keys afterwards. Safe to repeat. */
  merge(changes: readonly KeyChange[]): Promise<readonly KeyRecord[]>;
  close(): Promise<void>;
}

export interface KeyEvent extends KeyName {
  readonly id: string;
  readonly hint: string;
  readonly scope: KeyScope;
  readonly previousState: string;
  readonly state: string;
  readonly reason: string;
  readonly status: number | null;
  readonly cooldownMs: number | null;
  readonly coolingUntilMs: number | null;
  readonly actor: string | null;
  readonly atMs: number;
}

/** An empty list lets everything through. */
export interface KeyEventQuery {
  readonly providers: readonly string[];
  readonly fingerprints: readonly string[];
  /** Only events before the one with this id. */
  readonly beforeId: string | undefined;
  readonly limit: number;
}

/** Where the state of the keys outlives a process and meets that of other processes. */
export abstract class KeyStateStore {
  /** Resolves when there is something to connect to for the first time; never rejects. */
  abstract readonly ready: Promise<void>;

  /** When there is something to connect to, which may take its time. */
  abstract connect(listener: KeyStateListener): Promise<KeyStateSession>;

  /**
   * Whether it is this process that probes a rejected key now. Of all that ask within
   * `withinMs` one is told yes.
   */
  abstract claimCheck(key: KeyName, withinMs: number): Promise<boolean>;

  /** Newest first. */
  abstract events(query: KeyEventQuery): Promise<readonly KeyEvent[]>;
}

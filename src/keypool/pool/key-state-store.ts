import type { KeyScope } from '../key/key-state.ts';
import type { KeyTransition } from '../key/key-transition.ts';
import type { SharedKeyState } from '../shared-key-state.ts';

export interface KeyName {
  readonly provider: string;
  readonly fingerprint: string;
}

/** What is on record about a key in one scope. */
export interface RecordedKeyState extends SharedKeyState {
  readonly provider: string;
  readonly hint: string;
}

/** A transition of this process on its way to the others. */
export type KeyChange = Pick<
  KeyTransition,
  'provider' | 'fingerprint' | 'hint' | 'scope' | 'reason' | 'actor' | 'atMs' | 'shared'
>;

export interface KeyStateListener {
  /** Another process has changed what is on record about this key. */
  onChange(key: KeyName): void;
  /** Nothing more comes of this session, and what it is asked fails. */
  onLost(error: Error): void;
}

/** One connection to the record: reads, merges, and hears of what others change. */
export interface KeyStateSession {
  /** Without keys: everything. */
  read(keys?: readonly KeyName[]): Promise<readonly RecordedKeyState[]>;
  /** Answers what is on record about these keys afterwards. Safe to repeat. */
  merge(changes: readonly KeyChange[]): Promise<readonly RecordedKeyState[]>;
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

  abstract connect(listener: KeyStateListener): Promise<KeyStateSession>;

  /**
   * Whether it is this process that probes a rejected key now. Of all that ask within
   * `withinMs` one is told yes.
   */
  abstract claimCheck(key: KeyName, withinMs: number): Promise<boolean>;

  /** Newest first. */
  abstract events(query: KeyEventQuery): Promise<readonly KeyEvent[]>;
}

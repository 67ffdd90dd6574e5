import {
  answer,
  combine,
  creditExhausted,
  cut,
  errorFirst,
  errorMidStream,
  forbidden,
  rateLimited,
  resetBeforeHeaders,
  serverError,
  slowHeaders,
  unauthorized,
  type Behaviour,
} from '../simulator/index.ts';
import type { Mode } from '../support/api-under-test.ts';

/** One failover: what the keys answer, and what becomes of the call. */
export interface Row {
  readonly id: string;
  readonly says: string;
  /** What each key answers; a key that must not be called says nothing. */
  readonly keys: readonly (Behaviour | undefined)[];
  /** `key outcome status cooldown` of each attempt. */
  readonly attempts: readonly string[];
  readonly status: number;
  readonly retryAfter?: string;
  /** The key that serves the next request once they all answer again. */
  readonly next: string | undefined;
  readonly only?: Mode;
}

const LIMITED_5S = rateLimited({ retryAfter: 5 });
export const OK = answer({ text: 'hello' });

/** T-E, and what the contract's table adds to it. */
export const ROWS: readonly Row[] = [
  {
    id: 'E1',
    says: 'serves with the first key alone',
    keys: [OK, undefined],
    attempts: ['k0 served 200 -'],
    status: 200,
    next: 'k0',
  },
  {
    id: 'E2',
    says: 'goes past a rate-limited key',
    keys: [LIMITED_5S, OK],
    attempts: ['k0 rate_limited 429 5000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E3',
    says: 'goes past a key that is rejected',
    keys: [unauthorized(), OK],
    attempts: ['k0 unauthorized 401 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E4',
    says: 'goes past a key that is forbidden',
    keys: [forbidden(), OK],
    attempts: ['k0 forbidden 403 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'E5',
    says: 'tells the soonest recovery when every key is rate-limited',
    keys: [LIMITED_5S, rateLimited({ retryAfter: 3 }), rateLimited({ retryAfter: 10 })],
    attempts: ['k0 rate_limited 429 5000', 'k1 rate_limited 429 3000', 'k2 rate_limited 429 10000'],
    status: 429,
    retryAfter: '3',
    next: undefined,
  },
  {
    id: 'E6',
    says: 'blames the organisation when every key is rejected',
    keys: [unauthorized(), unauthorized()],
    attempts: ['k0 unauthorized 401 -', 'k1 unauthorized 401 -'],
    status: 502,
    next: undefined,
  },
  {
    id: 'E7',
    says: 'does not try another key for an error that is none of the key',
    keys: [serverError(500), undefined],
    attempts: ['k0 relayed_error 500 -'],
    status: 500,
    next: 'k0',
  },
  {
    id: 'D1',
    says: 'names no time when a key has recovered during the walk',
    keys: [
      rateLimited({ retryAfterMs: 1 }),
      combine(rateLimited({ retryAfter: 5 }), slowHeaders(20)),
    ],
    attempts: ['k0 rate_limited 429 1', 'k1 rate_limited 429 5000'],
    status: 429,
    next: 'k0',
  },
  {
    id: 'D6',
    says: 'rounds the soonest recovery up to a second',
    keys: [rateLimited({ retryAfterMs: 700 })],
    attempts: ['k0 rate_limited 429 700'],
    status: 429,
    retryAfter: '1',
    next: undefined,
  },
  {
    id: 'X2',
    says: 'caps what a provider asks for',
    keys: [rateLimited({ retryAfter: 100_000 })],
    attempts: ['k0 rate_limited 429 3600000'],
    status: 429,
    retryAfter: '3600',
    next: undefined,
  },
  {
    id: 'B3',
    says: 'cools a key for the default time when the provider names none',
    keys: [rateLimited(), OK],
    attempts: ['k0 rate_limited 429 60000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: '§2 402',
    says: 'goes past a key whose credit is used up, for a quarter of an hour',
    keys: [creditExhausted({ status: 402 }), OK],
    attempts: ['k0 quota_exhausted 402 900000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
  },
  {
    id: 'I8',
    says: 'does not try another key when the connection breaks',
    keys: [resetBeforeHeaders(), undefined],
    attempts: ['k0 transport_error - -'],
    status: 502,
    next: 'k0',
  },
  {
    id: '§3 first event',
    says: 'takes a rate limit in the first event for a 429',
    keys: [errorFirst('rate_limited'), OK],
    attempts: ['k0 rate_limited 200 60000', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
    only: 'streaming',
  },
  {
    id: '§3 first event',
    says: 'takes an authentication error in the first event for a 401',
    keys: [errorFirst('unauthorized'), OK],
    attempts: ['k0 unauthorized 200 -', 'k1 served 200 -'],
    status: 200,
    next: 'k1',
    only: 'streaming',
  },
  {
    id: '§3 first event',
    says: 'relays an overload in the first event like any other answer',
    keys: [errorFirst('overloaded'), undefined],
    attempts: ['k0 relayed_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
  {
    id: 'law 7',
    says: 'tries nothing again for a rate limit after the first event',
    keys: [errorMidStream('rate_limited'), undefined],
    attempts: ['k0 relayed_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
  {
    id: 'law 7',
    says: 'tries nothing again when a stream breaks off',
    keys: [cut({ clean: true }), undefined],
    attempts: ['k0 transport_error 200 -'],
    status: 200,
    next: 'k0',
    only: 'streaming',
  },
];

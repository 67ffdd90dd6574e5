import { describe, expect, it } from 'vitest';
import { queryFailure } from './query-failure.ts';

describe('a query that failed', () => {
  it.each([
    [{ code: '57014' }, 'timeout'],
    [
      { code: 'P2010', meta: { driverAdapterError: { cause: { originalCode: '57014' } } } },
      'timeout',
    ],
    [{ code: 'P1017' }, 'connection'],
    [{ cause: { code: 'ECONNREFUSED' } }, 'connection'],
    [{ cause: { cause: { originalCode: '08006' } } }, 'connection'],
    [
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'ConnectionClosed' } } } },
      'connection',
    ],
    [
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'SocketTimeout' } } } },
      'connection',
    ],
    [new Error('Connection terminated unexpectedly'), 'connection'],
    [new Error('Client has encountered a connection error and is not queryable'), 'connection'],
    [
      { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'ColumnNotFound' } } } },
      undefined,
    ],
    [{ code: '42601' }, undefined],
    [new Error('a fault of ours'), undefined],
    [undefined, undefined],
  ])('%j failed for %s', (error, failure) => {
    expect(queryFailure(error)).toBe(failure);
  });
});

import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/**
 * What runs against real processes also measures time, and a machine that is shared
 * may be taken away in the middle of it: CI asks a second time before it believes a
 * failure. What fails twice fails. Unit tests and the truth test get no second try.
 */
const retry = process.env['CI'] === undefined ? 0 : 1;

export default defineConfig({
  test: {
    // Most tests wait for processes and timers of their own, so two cores carry three of them.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      { test: { name: 'unit', include: ['src/**/*.spec.ts', 'test/**/*.unit-spec.ts'] } },
      {
        test: {
          name: 'db',
          include: ['test/db/**/*.db-spec.ts'],
          globalSetup: 'test/support/postgres.ts',
          testTimeout: 20_000,
          hookTimeout: 60_000,
          retry,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.e2e-spec.ts'],
          globalSetup: 'test/support/postgres.ts',
          testTimeout: 20_000,
          hookTimeout: 60_000,
          retry,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.fault-spec.ts'],
          globalSetup: 'test/support/postgres.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry,
          // They compare latencies, and kill what others would be waiting for.
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.clients-spec.ts'],
          globalSetup: ['test/support/postgres.ts', 'test/clients/programs.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry,
        },
      },
      {
        test: {
          name: 'truth',
          include: ['test/truth/**/*.truth-spec.ts'],
          hookTimeout: 60_000,
          globalSetup: 'test/support/postgres.ts',
        },
      },
    ],
  },
});

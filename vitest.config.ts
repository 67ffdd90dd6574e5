import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** No test takes as long, on whatever machine; what is to happen in time is measured by the tests themselves. */
const HUNG_MS = 60_000;
/** How long a test waits for what is to happen sooner or later. */
const PATIENCE_MS = 30_000;

/**
 * What runs against real processes also measures time, and a machine that is shared
 * may be taken away in the middle of it: CI asks a second time before it believes a
 * failure. What fails twice fails. Unit tests and the truth test get no second try.
 */
const running = {
  globalSetup: 'test/support/postgres.ts',
  testTimeout: HUNG_MS,
  hookTimeout: HUNG_MS,
  expect: { poll: { timeout: PATIENCE_MS } },
  retry: process.env['CI'] === undefined ? 0 : 1,
};

export default defineConfig({
  test: {
    // Most tests wait for processes and timers of their own, so two cores carry three of them.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      { test: { name: 'unit', include: ['src/**/*.spec.ts', 'test/**/*.unit-spec.ts'] } },
      { test: { ...running, name: 'db', include: ['test/db/**/*.db-spec.ts'] } },
      { test: { ...running, name: 'e2e', include: ['test/e2e/**/*.e2e-spec.ts'] } },
      {
        test: {
          ...running,
          name: 'faults',
          include: ['test/faults/**/*.fault-spec.ts'],
          // They compare latencies, and kill what others would be waiting for.
          fileParallelism: false,
        },
      },
      {
        test: {
          ...running,
          name: 'clients',
          include: ['test/clients/**/*.clients-spec.ts'],
          globalSetup: [running.globalSetup, 'test/clients/programs.ts'],
        },
      },
      {
        test: { ...running, name: 'truth', include: ['test/truth/**/*.truth-spec.ts'], retry: 0 },
      },
    ],
  },
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { Bridge } from '../support/bridge.ts';
import { createTestDatabase } from '../support/postgres.ts';

test('stops at once although a client is connected that asks for nothing', async () => {
  const database = await createTestDatabase();
  const bridge = await Bridge.start({ env: { DATABASE_URL: database.url } });
  const { hostname, port } = new URL(bridge.url);
  const silent = connect(Number(port), hostname);
  await once(silent, 'connect');
  // A second connection that is answered: by then the bridge has accepted the first.
  await fetch(`${bridge.url}/healthz`).then((res) => res.text());

  expect(await bridge.stop()).toBe(0);

  silent.destroy();
  await database.drop();
});

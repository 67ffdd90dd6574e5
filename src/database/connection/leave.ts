import type { Client } from 'pg';

const LEAVE_MS = 2_000;

/** Ends a connection. A server that is frozen takes no leave: it is left without. */
export async function leave(client: Client): Promise<void> {
  const late = setTimeout(() => client.connection.stream.destroy(), LEAVE_MS);
  try {
    await client.end();
  } finally {
    clearTimeout(late);
  }
}

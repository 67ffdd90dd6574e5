import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

export interface LimitedRole {
  /** The same database, entered as the role. */
  readonly url: string;
  /** How many connections the role has now. */
  connections(): Promise<number>;
  drop(): Promise<void>;
}

/** A role that the server lets in so many times and no more, and that may do what a bridge does. */
export async function limitedRole(url: string, connectionsMax: number): Promise<LimitedRole> {
  const name = `limited_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`
    CREATE ROLE ${name} LOGIN PASSWORD '${name}' CONNECTION LIMIT ${connectionsMax};
    GRANT ALL ON SCHEMA public TO ${name};
    GRANT ALL ON ALL TABLES IN SCHEMA public TO ${name};
    GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ${name}`);
  const own = new URL(url);
  own.username = name;
  own.password = name;
  return {
    url: own.href,
    async connections() {
      const { rows } = await admin.query<{ n: number }>(
        'SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = $1',
        [name],
      );
      return rows[0]?.n ?? 0;
    },
    async drop() {
      await admin.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
      await admin.end();
    },
  };
}

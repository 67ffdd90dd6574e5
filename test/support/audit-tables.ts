import { Client } from 'pg';
import { until } from './until.ts';

export interface AuditRow {
  readonly [column: string]: unknown;
}

/** The tables themselves, for tests of what is recorded rather than of how it is asked for. */
export class AuditTables {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<AuditTables> {
    const client = new Client({ connectionString: url });
    await client.connect();
    return new AuditTables(client);
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<AuditRow[]> {
    const { rows } = await this.#client.query<AuditRow>(sql, [...values]);
    return rows;
  }

  /** The interception once it has ended. */
  ended(id: string): Promise<AuditRow> {
    return until(`the end of ${id}`, async () => {
      const [row] = await this.rows(
        `SELECT * FROM interceptions WHERE id = $1 AND status <> 'in_progress'`,
        [id],
      );
      return row;
    });
  }

  /** The rows that belong to an interception, oldest first. */
  children(
    table: 'attempts' | 'token_usages' | 'prompts' | 'tool_usages' | 'thoughts',
    id: string,
  ): Promise<AuditRow[]> {
    return this.rows(`SELECT * FROM ${table} WHERE interception_id = $1 ORDER BY id`, [id]);
  }
}

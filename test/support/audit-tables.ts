import { Pool } from 'pg';
import { until } from './until.ts';

export interface AuditRow {
  readonly [column: string]: unknown;
}

/** The tables themselves, for tests of what is recorded rather than of how it is asked for. */
export class AuditTables {
  readonly #pool: Pool;

  constructor(url: string) {
    this.#pool = new Pool({ connectionString: url, max: 4 });
    // A database that is taken away during a test shows in what the test asks next.
    this.#pool.on('error', () => undefined);
  }

  static open(url: string): Promise<AuditTables> {
    return Promise.resolve(new AuditTables(url));
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<AuditRow[]> {
    const { rows } = await this.#pool.query<AuditRow>(sql, [...values]);
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

  /** The rows that belong to an interception, oldest first; those of tool calls with their input. */
  children(
    table: 'attempts' | 'token_usages' | 'prompts' | 'tool_usages' | 'thoughts',
    id: string,
  ): Promise<AuditRow[]> {
    const inputs =
      table === 'tool_usages' ? 'LEFT JOIN tool_inputs USING (interception_id, id)' : '';
    return this.rows(`SELECT * FROM ${table} ${inputs} WHERE interception_id = $1 ORDER BY id`, [
      id,
    ]);
  }
}

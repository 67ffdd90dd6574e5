import { Prisma } from '../../generated/prisma/client.ts';
import type { EndEvent, StartEvent } from '../journal/events.ts';

type SqlType = 'uuid' | 'text' | 'text[]' | 'jsonb' | 'boolean' | 'int' | 'float8';
/** How PostgreSQL reads a field; with what its column has while the record is open, if not null. */
type Field = SqlType | readonly [type: SqlType, whileOpen: string];
type Fields = Readonly<Record<string, Field>>;

/** In the statements that write them: they are no column of their own, or one of start and end both. */
type Apart =
  'kind' | 'id' | 'at' | 'credentialHint' | 'credentialFingerprint' | 'correlatingToolCallIds';

/** The fields of a start, each the column of its name. */
const START: Record<Exclude<keyof StartEvent, Apart>, Field> = {
  instanceId: 'uuid',
  initiatorId: 'text',
  initiatorMetadata: 'jsonb',
  providerType: 'text',
  providerName: 'text',
  model: 'text',
  requestedModel: 'text',
  purpose: 'text',
  api: 'text',
  route: 'text',
  method: 'text',
  streaming: 'boolean',
  client: 'text',
  userAgent: 'text',
  sessionId: 'text',
  credentialKind: 'text',
  contentMode: 'text',
};

/** The fields of an end; the counts of tokens are columns apart. */
const END: Record<Exclude<keyof EndEvent, Apart | 'tokens'>, Field> = {
  status: ['text', `'in_progress'`],
  errorType: 'text',
  errorMessage: 'text',
  upstreamStatus: 'int',
  messageId: 'text',
  servedModel: 'text',
  durationMs: 'int',
  attemptCount: ['int', '0'],
  failedOver: ['boolean', 'false'],
  usageSource: ['text', `'none'`],
  firstByteMs: 'int',
  overheadMs: 'float8',
  notes: ['text[]', `'{}'`],
};

/** Parts of statements: `s` is a row of starts, `e` one of ends, null where there is none yet. */
export const START_COLUMNS = partsOf('s', START);
export const END_COLUMNS = partsOf('e', END);

function partsOf(row: string, fields: Fields) {
  const all = Object.entries(fields).map(([name, field]) => {
    const [type, whileOpen] = typeof field === 'string' ? [field] : field;
    const value = `${row}."${name}"`;
    return {
      column: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      definition: `"${name}" ${type}`,
      value: whileOpen === undefined ? value : `coalesce(${value}, ${whileOpen})`,
    };
  });
  return {
    /** For INSERT. */
    names: listed(all.map(({ column }) => column)),
    /** In the order of the names. */
    values: listed(all.map(({ value }) => value)),
    /** For UPDATE. */
    assignments: listed(all.map(({ column, value }) => `${column} = ${value}`)),
    /** For reading the JSON of events. */
    definitions: listed(all.map(({ definition }) => definition)),
  };
}

function listed(parts: readonly string[]): Prisma.Sql {
  return Prisma.raw(parts.join(', '));
}

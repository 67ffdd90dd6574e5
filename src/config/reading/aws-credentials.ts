import { AwsKey } from '../../providers/index.ts';
import { accountProblems, type KeyList } from './key-list.ts';

/** A set of credentials as it is given, of which parts may be missing. */
export interface AwsEntry {
  readonly accessKeyId: string | undefined;
  readonly secretAccessKey: string | undefined;
  readonly sessionToken: string | undefined;
  readonly account: string | undefined;
  /** Where it stands, for people. */
  readonly place: string;
}

const SECTION = /^\[[^\]]*\]$/;
const ASSIGNMENT = /^([\w-]+)\s*=\s*(.*)$/;
const PRINTABLE = /^[!-~]+$/;

/** What a section may say, and what it is here. */
const FIELDS: Readonly<Record<string, keyof AwsEntry>> = {
  aws_access_key_id: 'accessKeyId',
  aws_secret_access_key: 'secretAccessKey',
  aws_session_token: 'sessionToken',
  account: 'account',
};

/**
 * Sets of credentials in the format of AWS's own file, one section each, in order of preference.
 * Problems never show what was given, and settings that do nothing here are problems as well.
 */
export function parseAwsCredentials(text: string): KeyList {
  const entries: Given[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const problems = lines.flatMap((line, index) =>
    take(line.trim(), index + 1, entries) ? [] : [strange(index + 1)],
  );
  if (problems.length > 0) return { kind: 'invalid', problems };
  if (entries.length === 0) return { kind: 'invalid', problems: [EMPTY] };
  return awsKeyList(entries);
}

type Given = { -readonly [Field in keyof AwsEntry]: AwsEntry[Field] };

const EMPTY = 'got a file without any credentials, wants a section for each set';

/** Whether the line says something, or is allowed not to. */
function take(line: string, number: number, entries: Given[]): boolean {
  if (line === '' || /^[#;]/.test(line)) return true;
  if (SECTION.test(line)) {
    entries.push({ ...NOTHING_GIVEN, place: `the section of line ${number}` });
    return true;
  }
  const [, name = '', value = ''] = ASSIGNMENT.exec(line) ?? [];
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  const entry = entries.at(-1);
  if (field === undefined || entry === undefined) return false;
  entry[field] = value;
  return true;
}

/** The sets as keys, or all that is wrong with them. */
export function awsKeyList(entries: readonly AwsEntry[]): KeyList {
  const problems = entries.flatMap(problemsOf);
  const places = new Map<string, string>();
  for (const { accessKeyId, place } of entries) {
    if (accessKeyId === undefined) continue;
    const first = places.get(accessKeyId);
    if (first === undefined) places.set(accessKeyId, place);
    else problems.push(`got the access key of ${first} again in ${place}, wants every one once`);
  }
  if (problems.length > 0) return { kind: 'invalid', problems };
  const keys = entries.map(({ accessKeyId = '', secretAccessKey = '', sessionToken, account }) => {
    return new AwsKey({ accessKeyId, secretAccessKey, sessionToken, account });
  });
  return { kind: 'ok', keys };
}

const NOTHING_GIVEN = {
  accessKeyId: undefined,
  secretAccessKey: undefined,
  sessionToken: undefined,
  account: undefined,
};

function problemsOf({ accessKeyId, secretAccessKey, sessionToken, account, place }: AwsEntry) {
  const problems: string[] = [];
  if (accessKeyId === undefined) problems.push(`got no access key in ${place}, wants one`);
  if (secretAccessKey === undefined) problems.push(`got no secret key in ${place}, wants one`);
  for (const text of [accessKeyId, secretAccessKey, sessionToken]) {
    if (text === undefined || PRINTABLE.test(text)) continue;
    problems.push(`got a blank or a text with spaces in ${place}, wants printable ASCII`);
  }
  return [...problems, ...accountProblems(account, place)];
}

function strange(line: number): string {
  const wants = Object.keys(FIELDS).join(', ');
  return `got a line ${line} that says nothing here, wants sections with ${wants}`;
}

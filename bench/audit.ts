import { stdout } from 'node:process';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { generateAuditData } from './audit-data.ts';
import { onDatabase, startOnFilled } from './filled-database.ts';

const USAGE = `node bench/audit.ts [--records 5000000] [--days 60]

Fills the audit of an empty database with that many interceptions, unless they are there, and
measures every kind of question over HTTP. Wants DATABASE_URL and a built bridge.
Ends with 1 when one is slower than it may be.
`;
const WARMING = 5;
const RUNS = 40;

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '5000000' },
    days: { type: 'string', default: '60' },
  },
});

const ONE = [
  'initiator=person-5@corp',
  'initiator=person-1990@corp',
  'initiator=nobody',
  'provider=anthropic',
  'provider=nobody',
  'provider=copilot-eu&provider=nobody',
  'providerType=copilot',
  'providerType=nobody',
  'model=anthropic-model-0',
  'model=anthropic-model-5&model=nobody',
  'servedModel=anthropic-model-0-20251101',
  'purpose=title',
  'client=Zed',
  'api=responses',
  'api=passthrough',
  'status=failed',
  'status=in_progress',
  'status=failed&status=aborted',
  'errorType=overloaded',
  'credentialKind=byok',
  'credentialHint=sk-a...0002',
  'credentialFingerprint=none',
  'tool=Bash',
  'tool=Deploy',
  'tool=Nothing',
  'streaming=true',
  'streaming=false',
  'failedOver=true',
  `startedBefore=${daysAgo(30)}`,
  `startedAfter=${daysAgo(3)}&startedBefore=${daysAgo(2)}`,
  'minTokens=60000',
  'minTokens=66999',
  'minTokens=90000',
  'minDurationMs=19990',
  'minDurationMs=90000',
];
const THREE = [
  'initiator=person-5@corp&status=failed&tool=Bash',
  'initiator=person-1500@corp&model=openai-model-5&streaming=false',
  'provider=anthropic&model=anthropic-model-0&client=Zed',
  'provider=copilot&model=openai-model-1&status=completed',
  'status=failed&failedOver=true&minTokens=60000',
  'model=anthropic-model-0&model=openai-model-0&status=failed&status=aborted&client=Codex&client=Zed',
  'tool=Deploy&status=failed&provider=openai',
  'tool=Deploy&tool=Task&client=Mux&credentialKind=byok',
  `startedAfter=${daysAgo(40)}&startedBefore=${daysAgo(39)}&errorType=overloaded`,
  'credentialHint=sk-a...0001&errorType=rate_limited&minDurationMs=19900',
  'api=responses&streaming=false&minTokens=66900',
];
const TEXT = ['deployment', 'ticket123', 'w1', '"w0 w0"', 'nowhere', 'w10+w200', 'w5+-w0'];
/** What may be asked, and how long the slowest twentieth may take. */
function questions(newest: { readonly id: string; readonly session: string }) {
  const month = `startedAfter=${daysAgo(31)}&startedBefore=${daysAgo(1)}`;
  return [
    [
      'a list',
      25,
      ['', ...ONE, `session=${newest.session}`].map((query) => `/interceptions?${query}`),
    ],
    ['a list by three', 60, THREE.map((query) => `/interceptions?${query}`)],
    ['a detail', 10, [`/interceptions/${newest.id}`]],
    ['text', 200, TEXT.map((query) => `/interceptions?text=${query}`)],
    ['text and more', 200, TEXT.map((query) => `/interceptions?text=${query}&status=failed`)],
    ['a month by model', 50, [`/usage?groupBy=model&${month}`]],
    ['two months daily', 100, ['/usage?groupBy=model,day']],
    ['usage of one', 50, [`/usage?groupBy=day&initiator=person-5@corp&${month}`]],
    ['sessions', 100, ['/sessions', '/sessions?initiator=person-5@corp']],
    ['a session', 50, [`/sessions/${newest.session}`]],
    [
      'facets',
      50,
      ['initiators?prefix=person-19', 'providers', 'models', 'clients', 'tools'].map(
        (facet) => `/facets/${facet}`,
      ),
    ],
  ] as const;
}

await onDatabase(USAGE, measure);

async function measure(databaseUrl: string): Promise<number> {
  const bridge = await startOnFilled(databaseUrl);
  const client = new Client({ connectionString: databaseUrl });
  try {
    await client.connect();
    const newest = await newestRecord(client, databaseUrl);
    let isSlow = false;
    for (const [what, budgetMs, paths] of questions(newest)) {
      for (const path of paths) {
        const p95 = await p95Of(`${bridge.url}/api/v1${path}`);
        isSlow ||= p95 > budgetMs;
        const verdict = p95 > budgetMs ? `  over ${budgetMs}` : '';
        stdout.write(`${what.padEnd(18)}${p95.toFixed(1).padStart(8)} ms${verdict}  ${path}\n`);
      }
    }
    return isSlow ? 1 : 0;
  } finally {
    await client.end();
    await bridge.stop();
  }
}

async function newestRecord(
  client: Client,
  databaseUrl: string,
): Promise<{ id: string; session: string }> {
  const { rows: found } = await client.query('SELECT FROM interceptions LIMIT 1');
  if (found.length === 0) {
    await generateAuditData(client, {
      databaseUrl,
      records: Number(values.records),
      days: Number(values.days),
      onProgress: (what) => stdout.write(`${what}\n`),
    });
  }
  const { rows } = await client.query<{ id: string; session: string }>(
    `SELECT id, session_id AS session FROM interceptions
      WHERE session_id IS NOT NULL ORDER BY id DESC LIMIT 1`,
  );
  const [newest] = rows;
  if (newest === undefined) throw new Error('there are interceptions, but none in a session');
  return newest;
}

/** Of all but the first, which warm. */
async function p95Of(url_: string): Promise<number> {
  const times: number[] = [];
  for (let run = -WARMING; run < RUNS; run++) {
    const begun = performance.now();
    const res = await fetch(url_);
    const body = await res.text();
    if (res.status !== 200) throw new Error(`${url_}: ${res.status} ${body}`);
    if (run >= 0) times.push(performance.now() - begun);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(RUNS * 0.95) - 1] ?? NaN;
}

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
}

import process, { argv, stderr, stdout } from 'node:process';
import { parseArgs } from 'node:util';
import type { KeyExplanation } from '../src/admin/key-explanation-shape.ts';
import {
  ASKING,
  ASKING_USAGE,
  bridgeUrl,
  EXIT_USAGE,
  headersOf,
  problemOf,
  readsUntilEnough,
  reasonOf,
  refused,
} from './ask-bridge.ts';
import { plain } from './audit-table.ts';
import { KeysApi, Refused } from './keys-api.ts';
import {
  drill,
  DrillNotEnded,
  type DrillReport,
  type DrillStep,
  HOLD_S_MAX,
  NoDrill,
} from './keys-drill.ts';
import { callsOf, explanationText, keysTable } from './keys-table.ts';

const USAGE = `npm run keys -- <what> [options]

  list [provider]                 the pool's keys and their state
  explain <provider> [model]      which key the next call would take, and why not the others;
                                  without a model: a call that names none
  reset <provider> <fingerprint>  makes a key valid again, for everything; for admins
  drill <provider> [model]        treats the key that is next as limited, shows where calls go
                                  then, and resets it; for admins

  --hold <seconds>     how long a drill holds before the reset, up to ${HOLD_S_MAX}; else not at all
  --force              also when no other key is left: calls are refused meanwhile
  --json               the API's answer as it is; of a drill all that was explained
${ASKING_USAGE}
A drill makes no call to the provider. It is refused where something is held against the key, which
the reset would forget. The key is reset on Ctrl-C and after errors too, unless the provider has spoken
against it meanwhile; if this command is killed, the drill is over 30 seconds after its hold.
`;

const EXIT_SIGNAL = 130;

/** What each wants to know; those with a question mark may be left out. */
const WORDS = {
  list: ['provider?'],
  explain: ['provider', 'model?'],
  reset: ['provider', 'fingerprint'],
  drill: ['provider', 'model?'],
} as const;

interface Command {
  readonly what: keyof typeof WORDS;
  readonly words: readonly string[];
  readonly api: KeysApi;
  readonly isJson: boolean;
  readonly isForced: boolean;
  readonly holdS: number;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const command = commandOf(argv.slice(2));
  if (command === 'help') {
    stdout.write(USAGE);
    return 0;
  }
  if (typeof command === 'string') {
    stderr.write(`${USAGE}\n${command}\n`);
    return EXIT_USAGE;
  }
  try {
    return await run(command);
  } catch (error) {
    return failed(error, command.api);
  }
}

/** The command, or what is wrong with it. */
function commandOf(args: readonly string[]): Command | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...ASKING,
        hold: { type: 'string', default: '0' },
        force: { type: 'boolean', default: false },
      },
    });
    const [what = '', ...words] = positionals;
    if (values.help || what === 'help') return 'help';
    if (!isKnown(what)) return what === '' ? 'What is to be done?' : `${what}: unknown`;
    const problem = problemOfWords(what, words);
    if (problem !== undefined) return problem;
    return {
      what,
      words,
      api: new KeysApi(bridgeUrl(values.url), headersOf(values)),
      isJson: values.json,
      isForced: values.force,
      holdS: secondsOf(values.hold),
    };
  } catch (error) {
    return problemOf(error);
  }
}

function isKnown(what: string): what is keyof typeof WORDS {
  return Object.hasOwn(WORDS, what);
}

function problemOfWords(what: keyof typeof WORDS, words: readonly string[]): string | undefined {
  const wanted: readonly string[] = WORDS[what];
  const missing = wanted.find((word, at) => !word.endsWith('?') && words[at] === undefined);
  if (missing !== undefined) return `${what}: which ${missing}?`;
  return words.length > wanted.length ? `${words.at(wanted.length)}: is one too many` : undefined;
}

function secondsOf(hold: string): number {
  const seconds = /^\d{1,3}$/.test(hold) ? Number(hold) : Infinity;
  if (seconds <= HOLD_S_MAX) return seconds;
  throw new Error(`--hold ${hold}: is not a whole number from 0 to ${HOLD_S_MAX}`);
}

async function run(command: Command): Promise<number> {
  if (command.what === 'drill') return runDrill(command);
  readsUntilEnough();
  const { answer, text } = await asked(command.what, command);
  if (command.isJson) showJson(answer);
  else stdout.write(text);
  return 0;
}

/** What the API answers, and how that reads. */
async function asked(
  what: Exclude<Command['what'], 'drill'>,
  { api, words: [first, second] }: Command,
): Promise<{ readonly answer: unknown; readonly text: string }> {
  if (what === 'list') {
    const answer = await api.list(first);
    return { answer, text: keysTable(answer.items) };
  }
  if (what === 'explain') {
    const answer = await api.explain(first ?? '', second);
    return { answer, text: explanationText(answer) };
  }
  const answer = await api.reset(first ?? '', second ?? '');
  return { answer, text: keysTable([answer]) };
}

async function runDrill({ api, words, isJson, ...options }: Command): Promise<number> {
  const [provider = '', model] = words;
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => interrupted.abort());
  }
  // Also when whoever reads along has enough: the key is to be reset first.
  stdout.on('error', () => interrupted.abort());
  const steps: Partial<Record<DrillStep, KeyExplanation>> = {};
  const report = await drill(api, {
    ...options,
    provider,
    model,
    signal: interrupted.signal,
    onStep: (step, explanation) => {
      steps[step] = explanation;
      if (!isJson) stdout.write(`${step} the drill\n\n${explanationText(explanation)}\n`);
    },
  });
  if (isJson) showJson({ ...report, ...steps });
  else stdout.write(reportText(report, steps.before));
  if (interrupted.signal.aborted) return EXIT_SIGNAL;
  return report.isPassedOver ? 0 : 1;
}

function reportText({ key, isPassedOver, ending }: DrillReport, before?: KeyExplanation): string {
  const calls = before ? callsOf(before) : 'calls';
  const went = isPassedOver
    ? `While ${key.hint} seemed to be limited, ${calls} passed it over.`
    : `Though ${key.hint} seemed to be limited, ${calls} still took it.`;
  const end = {
    reset: 'It has been reset.',
    left: 'The provider has spoken against it meanwhile, so it is not reset; the drill is over soon.',
    gone: 'It is in the pool no longer.',
  }[ending];
  return plain(`${went} ${end}`).concat('\n');
}

async function failed(error: unknown, { url }: KeysApi): Promise<number> {
  if (error instanceof Refused) return refused(error.res);
  if (error instanceof NoDrill) stderr.write(`${error.message}\n`);
  else if (error instanceof DrillNotEnded) {
    stderr.write(`${url.origin}: ${reasonOf(error.cause)}\n${error.message}\n`);
  } else stderr.write(`${url.origin}: ${reasonOf(error)}\n`);
  return 1;
}

function showJson(answer: unknown): void {
  stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
}

import { PROVIDERS } from '../../providers/index.ts';
import { SECTIONS } from '../settings/definition.ts';
import type { Section } from '../settings/definition.ts';
import { NOT_YET } from '../settings/not-yet.ts';
import { nameAt } from '../settings/setting.ts';
import type { Setting } from '../settings/setting.ts';
import { inWords } from '../settings/shown-text.ts';

/** The reference in README.md, as Markdown. */
export function configMarkdown(): string {
  return [INTRODUCTION, ...SECTIONS.map(sectionMarkdown), TELEMETRY].join('\n\n');
}

/** A dotenv file with every variable, commented out at its default. */
export function envExample(): string {
  const sections = SECTIONS.map(({ title, settings }) =>
    [`# --- ${title} ---`, ...settings.map(exampleOf)].join('\n\n'),
  );
  return `${[ENV_INTRODUCTION, ...sections].join('\n\n')}\n`;
}

const SERVED = inWords(
  PROVIDERS.filter(({ takesCallerKeys }) => takesCallerKeys).map(({ type }) => `\`${type}\``),
  'and',
);

const INTRODUCTION = `Durations: \`250ms\`, \`5s\`, \`10m\`, \`24h\`, \`7d\`. Sizes: \`64KiB\`, \`32MiB\`. Where a second name ending in
\`_FILE\` is listed, it may name a file that holds the value. An empty variable counts as unset, with a warning; an empty
secret is an error. With no provider configured the bridge serves ${SERVED}, to which
callers bring their own keys; as soon as one is configured, in either form, it serves exactly those that are.`;

const TELEMETRY = `The standard \`OTEL_*\` variables configure OpenTelemetry. Without an exporter there is no tracing.`;

const ENV_INTRODUCTION = `# Every configuration variable, commented out at its default.
# Copy to a file of your own and start with AIBRIDGE_ENV_FILE=/path/to/it.`;

function sectionMarkdown({ title, settings }: Section): string {
  const rows = settings.map(
    (each) => `| ${namesOf(each)} | ${defaultOf(each)} | ${cell(meaningOf(each))} |`,
  );
  return [`**${title}**`, '', '| Name | Default | Meaning |', '| --- | --- | --- |', ...rows].join(
    '\n',
  );
}

function namesOf({ name, alias, hasFileForm }: Setting<unknown>): string {
  const other = alias ?? (hasFileForm ? '…_FILE' : undefined);
  return other === undefined ? `\`${name}\`` : `\`${name}\`, \`${other}\``;
}

function defaultOf({ defaultText, fallback }: Setting<unknown>): string {
  return fallback === undefined ? defaultText : `\`${defaultText}\``;
}

function meaningOf({ name, meaning }: Setting<unknown>): string {
  const limits = NOT_YET.filter((entry) => entry.name === name);
  if (limits.length === 0) return meaning;
  const [first] = limits;
  if (first?.except !== undefined) return `${meaning} (so far only \`${first.except}\`)`;
  const values = limits.flatMap(({ value }) => (value === undefined ? [] : [` \`${value}\``]));
  return `${meaning} (not available yet${values.length > 0 ? `:${values.join(',')}` : ''})`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function exampleOf(setting: Setting<unknown>): string {
  const { alias, defaultText, fallback, hasFileForm } = setting;
  const isFixed = fallback !== undefined;
  const name = nameAt(setting, 0);
  const notes = [
    meaningOf(setting),
    ...(isFixed ? [] : [`default: ${defaultText}`]),
    ...(alias === undefined ? [] : [`or ${alias}, which wins`]),
    ...(hasFileForm ? [`or ${name}_FILE=/path`] : []),
  ];
  const comment = notes.map((note) => `# ${note.replaceAll('`', '')}`);
  return [...comment, `#${name}=${isFixed ? defaultText : ''}`].join('\n');
}

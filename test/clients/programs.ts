import { join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { install, lookUp } from './registry.ts';

const PACKAGES = { 'Claude Code': '@anthropic-ai/claude-code', Codex: '@openai/codex' } as const;

/** By the name that the bridge has to recognise. */
export type ClientName = keyof typeof PACKAGES;

type Programs = Readonly<
  Record<ClientName, { readonly version: string; readonly command: readonly string[] } | null>
>;

declare module 'vitest' {
  interface ProvidedContext {
    /** The installed clients; null for one that the registry does not have for this machine. */
    programs: Programs;
  }
}

/** Vitest's global set-up: the clients of today, installed where nothing else is, and named. */
export async function setup(project: TestProject): Promise<void> {
  const [claude, codex] = await Promise.all([
    lookUp(PACKAGES['Claude Code']),
    lookUp(PACKAGES.Codex),
  ]);
  const found = { 'Claude Code': claude, Codex: codex };
  const names = Object.keys(PACKAGES).filter(isClientName);
  const specs = names.flatMap((name) => {
    const one = found[name];
    if ('missing' in one) say(`tests with ${name} are skipped: ${one.missing}`);
    else say(`${name} ${one.version}`);
    return 'missing' in one ? [] : [`${PACKAGES[name]}@${one.version}`];
  });
  const folder = specs.length === 0 ? '' : await install(specs);
  const modules = join(folder, 'node_modules');
  project.provide('programs', {
    'Claude Code': 'missing' in claude ? null : { ...claude, command: claudeIn(modules) },
    Codex: 'missing' in codex ? null : { ...codex, command: codexIn(modules) },
  });
}

export function isInstalled(name: ClientName): boolean {
  return inject('programs')[name] !== null;
}

export function commandOf(name: ClientName): readonly string[] {
  const program = inject('programs')[name];
  if (program === null) throw new Error(`${name} is not installed`);
  return program.command;
}

/** Its install script, which is not run, would only put this file in another place. */
function claudeIn(modules: string): readonly string[] {
  const build = `claude-code-${process.platform}-${process.arch}`;
  return [join(modules, '@anthropic-ai', build, 'claude')];
}

function codexIn(modules: string): readonly string[] {
  return [process.execPath, join(modules, '@openai/codex/bin/codex.js')];
}

function isClientName(name: string): name is ClientName {
  return name in PACKAGES;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

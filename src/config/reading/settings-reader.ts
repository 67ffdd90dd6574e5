import { indexOf } from '../settings/definition.ts';
import { parseEnvFile } from './env-file.ts';
import { notYetReasons } from '../settings/not-yet.ts';
import { nameAt } from '../settings/setting.ts';
import type { Setting } from '../settings/setting.ts';
import { SERVER } from '../settings/settings.ts';
import { quoted, shownText } from '../settings/shown-text.ts';
import { secretFilePath } from '../values/value-types.ts';

export interface ConfigIo {
  readFile(path: string): string;
  /** Whether logs go to a terminal. */
  readonly isTerminal?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type Source = 'default' | 'environment' | 'env file' | `file ${string}`;

export interface EffectiveValue {
  /** For people; secrets masked. */
  readonly value: string;
  readonly source: Source;
}

interface Layer {
  readonly values: ReadonlyMap<string, string>;
  readonly source: Source;
}

interface Found {
  /** What the operator wrote: the setting's name, or that with `_FILE`. */
  readonly name: string;
  readonly text: string;
  readonly source: Source;
}

/**
 * Reads settings from the environment and the env file below it. A problem is noted
 * and the default taken instead, so that one run finds every problem.
 */
export class SettingsReader {
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  readonly sources = new Map<string, EffectiveValue>();
  readonly #layers: Layer[];
  readonly #io: ConfigIo;

  constructor(env: Environment, io: ConfigIo) {
    this.#io = io;
    this.#layers = [{ values: definedEntries(env), source: 'environment' }];
    const path = this.read(SERVER.envFile);
    if (path !== undefined) this.#addEnvFile(path);
  }

  read<T>(setting: Setting<T>, index?: number): T {
    const name = nameAt(setting, index);
    const found = this.#find(setting, name);
    if (found === undefined) {
      const isWorthShowing = index === undefined || setting.fallback !== undefined;
      if (isWorthShowing) this.show(name, setting.defaultText.replaceAll('`', ''));
      return setting.fallback;
    }
    const shown = shownText(setting, found.text);
    this.sources.set(name, { value: shown, source: found.source });
    const value = setting.type.read(found.text);
    if (value === undefined) {
      const got = setting.isSecret ? 'a value that is not shown' : quoted(shown);
      this.refuse(found.name, found.text === '' ? 'an empty text' : got, setting.type.wants);
      return setting.fallback;
    }
    for (const reason of notYetReasons(setting.name, found.text)) {
      this.refuse(found.name, quoted(shown), reason);
    }
    return value;
  }

  /** Notes a problem. `got` must not hold a secret. */
  refuse(name: string, got: string, wants: string): void {
    this.problems.push(`${name}: got ${got}, wants ${wants}`);
  }

  /** Says what an unset variable comes to, where the definition cannot know. */
  show(name: string, value: string): void {
    const source = this.sources.get(name)?.source ?? 'default';
    this.sources.set(name, { value, source });
  }

  isGiven(setting: Setting<unknown>, index?: number): boolean {
    const name = nameAt(setting, index);
    return this.#layers.some(
      ({ values }) =>
        spellings(setting, name).some((each) => isSet(setting, values.get(each))) ||
        secretPath(setting, name, values) !== undefined,
    );
  }

  /** The names that are set anywhere. */
  names(): string[] {
    return [...new Set(this.#layers.flatMap((layer) => [...layer.values.keys()]))];
  }

  /** The numbers in use by a family of settings; `first` is its setting that is always needed. */
  indices(first: Setting<unknown>): number[] {
    const all = this.names().map((name) => indexOf(name, first));
    const found = [...new Set(all)]
      .filter((index) => index !== undefined)
      .toSorted((a, b) => a - b);
    for (const [position, index] of found.entries()) {
      const expected = (found[position - 1] ?? -1) + 1;
      if (index === expected) continue;
      const got = `nothing although number ${index} is in use`;
      this.refuse(nameAt(first, expected), got, 'numbers that count up from 0 without a gap');
    }
    return found;
  }

  /** The text of a file that a variable names; a problem and undefined when it cannot be read. */
  readFile(name: string, path: string, show = quoted): string | undefined {
    try {
      return this.#io.readFile(path);
    } catch (error) {
      this.refuse(name, `${show(path)} (${failureCode(error)})`, 'a file that can be read');
      return undefined;
    }
  }

  /** Variables that the env file adds for other readers of the process environment. */
  addedByEnvFile(prefix: string): Record<string, string> {
    const [environment, ...files] = this.#layers;
    const entries = files
      .flatMap((layer) => [...layer.values])
      .filter(([name]) => name.startsWith(prefix) && environment?.values.has(name) !== true);
    return Object.fromEntries(entries);
  }

  #addEnvFile(path: string): void {
    const { name } = SERVER.envFile;
    const text = this.readFile(name, path);
    if (text === undefined) return;
    const { values, badLines } = parseEnvFile(text);
    for (const line of badLines) {
      this.refuse(name, `a line ${line} that is no assignment`, 'lines of NAME=value');
    }
    this.#layers.push({ values, source: 'env file' });
  }

  /** The environment wins over the env file in whichever form a secret is given. */
  #find(setting: Setting<unknown>, name: string): Found | undefined {
    for (const { values, source } of this.#layers) {
      const [spelling, text] = this.#textIn(values, setting, name);
      const path = secretPath(setting, name, values);
      if (text !== undefined && path !== undefined) {
        this.refuse(`${name}, ${name}_FILE`, 'both', 'one of them');
      }
      if (path !== undefined) return this.#readSecretFile(`${name}_FILE`, path);
      if (text !== undefined) return { name: spelling, text: text.trim(), source };
    }
    return undefined;
  }

  /** The spelling of a name that is in use, and its text. */
  #textIn(
    values: Layer['values'],
    setting: Setting<unknown>,
    name: string,
  ): [spelling: string, text: string | undefined] {
    for (const spelling of spellings(setting, name)) {
      const text = values.get(spelling);
      if (isSet(setting, text)) return [spelling, text];
      if (text !== undefined) this.warnings.push(`${spelling}: is empty and counts as unset`);
    }
    return [name, undefined];
  }

  #readSecretFile(name: string, path: string): Found | undefined {
    const text = this.readFile(name, path, secretFilePath.show);
    return text === undefined ? undefined : { name, text: text.trim(), source: `file ${path}` };
  }
}

function spellings({ alias }: Setting<unknown>, name: string): string[] {
  return alias === undefined ? [name] : [alias, name];
}

/** An empty secret is no way to leave one out: most likely its injection failed. */
function isSet(setting: Setting<unknown>, text: string | undefined): boolean {
  return text !== undefined && (setting.isSecret || text.trim() !== '');
}

function secretPath(
  setting: Setting<unknown>,
  name: string,
  values: ReadonlyMap<string, string>,
): string | undefined {
  return setting.hasFileForm ? values.get(`${name}_FILE`) : undefined;
}

function definedEntries(env: Environment): Map<string, string> {
  const entries = Object.entries(env);
  return new Map(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function failureCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  return code === 'ENOENT' ? 'no such file' : code;
}

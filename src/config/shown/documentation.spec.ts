import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SECTIONS } from '../settings/definition.ts';
import { configMarkdown, envExample } from './documentation.ts';
import { parseEnvFile } from '../reading/env-file.ts';
import { parseConfig } from '../reading/parse-config.ts';
import { nameAt } from '../settings/setting.ts';

function configText(env: Readonly<Record<string, string>>): string {
  const parsed = parseConfig(env, { readFile: () => '' });
  return JSON.stringify(parsed.kind === 'ok' ? parsed.config : parsed.problems);
}

const settings = SECTIONS.flatMap((section) => section.settings);

describe('.env.example', () => {
  it('is what the definition makes it', () => {
    const path = new URL('../../../.env.example', import.meta.url);
    expect(readFileSync(path, 'utf8')).toBe(envExample());
  });

  it('has every variable once', () => {
    const names = [...envExample().matchAll(/^#([A-Z]\w*)=/gm)].map((match) => match[1]);
    expect(names).toEqual(settings.map((each) => nameAt(each, 0)));
  });

  it('changes nothing when its server settings are uncommented', () => {
    const uncommented = envExample().replace(/^#([A-Z]\w*=.)/gm, '$1');
    const ofProviders = /PROVIDER|MCP/;
    const { values, badLines } = parseEnvFile(uncommented);
    const env = Object.fromEntries([...values].filter(([name]) => !ofProviders.test(name)));

    expect(badLines).toEqual([]);
    expect(configText(env)).toBe(configText({}));
  });
});

describe('the reference', () => {
  it('has a row for every variable with its default and meaning', () => {
    const rows = configMarkdown()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(rows).toHaveLength(settings.length);
    for (const { name, defaultText } of settings) {
      const row = rows.find((line) => line.startsWith(`| \`${name}\``));
      expect(row).toContain(defaultText);
    }
  });

  it('says what is not available yet', () => {
    expect(configMarkdown()).toMatch(
      /AIBRIDGE_IDENTITY`.*\(not available yet: `jwt`, `token`\) \|/,
    );
    expect(configMarkdown()).toMatch(/AIBRIDGE_WORKERS`.*\(so far only `1`\) \|/);
  });
});

describe('the definition', () => {
  it('names every variable once', () => {
    const names = settings.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

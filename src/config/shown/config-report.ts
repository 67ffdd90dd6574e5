import type { BridgeConfig, ProviderConfig } from '../settings/bridge-config.ts';
import type { EffectiveValue } from '../reading/settings-reader.ts';

/** What is in force, where it came from, and what it makes the bridge serve. */
export function configReport(
  sources: ReadonlyMap<string, EffectiveValue>,
  config: BridgeConfig,
): string {
  const settings = [...sources].map(([name, { value, source }]) => [name, value, source]);
  const providers = config.providers.map((each) => [
    `/${each.name}`,
    each.baseUrl,
    credentialsOf(each),
    each.proxy?.origin ?? 'none',
  ]);
  return [
    aligned([['NAME', 'VALUE', 'SOURCE'], ...settings]),
    aligned([['PROVIDER', 'BASE URL', 'KEYS', 'PROXY'], ...providers]),
  ].join('\n');
}

function credentialsOf({ keys, allowByok, bedrock }: ProviderConfig): string {
  if (bedrock !== undefined) {
    return bedrock.usesDefaultChain ? 'AWS default chain' : keys.map(({ hint }) => hint).join(', ');
  }
  const own = allowByok ? ["callers' own"] : [];
  return [...keys.map((key) => key.hint), ...own].join(', ') || 'none';
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

import { maskSecret } from '../../core/secret.ts';
import type { Setting } from './setting.ts';

const LOOKS_LIKE_KEY = /(^|[^a-z])(sk-|gh[a-z]_|github_pat_|aib_|AKIA|ASIA|eyJ)/;

/** What may be shown of a value. A key that was pasted into the wrong variable is masked as well. */
export function shownText(setting: Setting<unknown>, text: string): string {
  if (setting.type.show !== undefined) return setting.type.show(text);
  return setting.isSecret || LOOKS_LIKE_KEY.test(text) ? maskSecret(text) : text;
}

/** On one line and of bounded length, whatever the text holds. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** `a, b or c`. */
export function inWords(items: readonly string[], before: 'and' | 'or'): string {
  return `${items.slice(0, -1).join(', ')} ${before} ${items.at(-1) ?? ''}`;
}

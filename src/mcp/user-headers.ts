import type { HeaderTemplate } from '../config/index.ts';
import type { ToolUser } from './tool-offer.ts';

/**
 * The headers that say who calls. One with a claim that is not known, or that would put
 * anything into it but visible characters of ASCII and blanks, is not sent.
 */
export function userHeaders(
  templates: readonly HeaderTemplate[],
  user: ToolUser,
): Readonly<Record<string, string>> {
  const headers = templates.map(({ name, parts }) => [name, valueOf(parts, user)] as const);
  return Object.fromEntries(headers.filter((pair): pair is [string, string] => isKnown(pair[1])));
}

function isKnown(value: string | undefined): boolean {
  return value !== undefined;
}

function valueOf(parts: HeaderTemplate['parts'], user: ToolUser): string | undefined {
  const texts = parts.map((part) => (part.kind === 'text' ? part.text : claimOf(part, user)));
  return texts.every((text) => text !== undefined) ? texts.join('').trim() : undefined;
}

function claimOf(
  part: Exclude<HeaderTemplate['parts'][number], { readonly kind: 'text' }>,
  { id, metadata }: ToolUser,
): string | undefined {
  const isThere = part.kind === 'id' || Object.hasOwn(metadata, part.name);
  const claim = part.kind === 'id' ? id : metadata[part.name];
  return isThere && claim !== undefined && /^[ -~]*[!-~][ -~]*$/.test(claim) ? claim : undefined;
}

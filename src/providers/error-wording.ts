import type { ErrorPattern } from './key-failures.ts';

/**
 * A pattern for a whole message that starts with a vendor's own words.
 *
 * Callers can put words into error messages: a request with a field of their
 * naming is refused with `<name>: Extra inputs are not permitted`. So the words
 * must open the message and no `name: text` may follow; only URLs and times
 * of day keep their colons. Otherwise one caller could cool down every key.
 */
export function vendorSentence(words: string): RegExp {
  return new RegExp(String.raw`^${words}(?:[^:]|:(?=//|\d\d\b| https?://))*$`, 'i');
}

/**
 * A rate limit that holds for all models. Vendors speak of the organisation also where they count by
 * model, and name their account pages in any case; a message that is about more says so.
 */
export const ACCOUNT_LIMITED: readonly ErrorPattern[] = [
  { message: /\b(?:your|this) account\b|\b(?:account|organi[sz]ation)-wide\b|\ball models\b/i },
];

import type { KeyExplanation } from '../src/admin/key-explanation-shape.ts';
import type { KeyItem, KeysAnswer } from '../src/admin/key-shape.ts';

const ANSWER_MS = 10_000;

/** The API has something against a question. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly res: Response;

  constructor(res: Response) {
    super(`the bridge answers ${res.status}`);
    this.res = res;
  }
}

type Words = Readonly<Record<string, string | number | boolean | undefined>>;

/** The endpoints about keys, of one bridge, as one caller. */
export class KeysApi {
  readonly url: URL;
  readonly #headers: Headers;

  constructor(url: URL, headers: Headers) {
    this.url = url;
    this.#headers = headers;
  }

  list(provider?: string): Promise<KeysAnswer> {
    return this.#ask('GET', 'keys', { provider });
  }

  explain(provider: string, model?: string): Promise<KeyExplanation> {
    return this.#ask('GET', 'keys/explain', { provider, model });
  }

  reset(provider: string, fingerprint: string): Promise<KeyItem> {
    return this.#ask('POST', `keys/${named(provider, fingerprint)}/reset`, {});
  }

  drill(provider: string, fingerprint: string, words: Words): Promise<KeyItem> {
    return this.#ask('POST', `keys/${named(provider, fingerprint)}/drill`, words);
  }

  /** An answer is what the API's document says it is. */
  async #ask<Answer>(method: string, path: string, words: Words): Promise<Answer> {
    const url = new URL(`/api/v1/${path}`, this.url);
    for (const [name, value] of Object.entries(words)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const signal = AbortSignal.timeout(ANSWER_MS);
    const res = await fetch(url, { method, headers: this.#headers, signal });
    if (!res.ok) throw new Refused(res);
    return Object(await res.json());
  }
}

function named(provider: string, fingerprint: string): string {
  return [provider, fingerprint].map(encodeURIComponent).join('/');
}

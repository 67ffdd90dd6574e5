import { Secret } from './secret.ts';

/** A provider's key, and the account behind it where the operator has said so: several may have one. */
export class KeySecret extends Secret {
  readonly account?: string | undefined;

  constructor(value: string, account?: string) {
    super(value);
    this.account = account;
  }

  /** Of a key that somebody else renews: the one to use now, which is this one as long as it lasts. */
  readonly renewed?: () => Promise<KeySecret>;
}

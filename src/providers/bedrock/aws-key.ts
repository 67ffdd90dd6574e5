import { KeySecret } from '../../core/key-secret.ts';
import { Secret } from '../../core/secret.ts';

export interface AwsKeyParts {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly account?: string | undefined;
}

/**
 * A set of AWS credentials as a key of a pool. What is known of it, hint and fingerprint, is of
 * the access key id; what it signs with is masked wherever the id is.
 */
export class AwsKey extends KeySecret {
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;

  constructor({ accessKeyId, secretAccessKey, sessionToken, account }: AwsKeyParts) {
    super(accessKeyId, account);
    this.secretAccessKey = new HiddenSecret(secretAccessKey);
    this.sessionToken = sessionToken === undefined ? undefined : new HiddenSecret(sessionToken);
  }

  override get parts(): readonly Secret[] {
    const parts = [this, this.secretAccessKey, this.sessionToken];
    return parts.filter((part) => part !== undefined);
  }
}

/** Nobody needs to recognise it: the access key id is there for that. */
class HiddenSecret extends Secret {
  override readonly hint = '...';
}

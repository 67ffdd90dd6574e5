import type { KeySecret } from '../../core/key-secret.ts';
import { errorText } from '../../core/errors.ts';
import { within } from '../../core/within.ts';
import { AwsKey, type AwsKeyParts } from './aws-key.ts';

/** P-41: as long as AWS's own tools may look for credentials. */
const FIND_MS_MAX = 30_000;

/** AWS's own provider of credentials: it keeps what it has, and renews it in time. */
export type CredentialSource = () => Promise<AwsKeyParts>;

/**
 * The one key of an instance whose credentials are where AWS's tools find them: environment,
 * profile, web identity, container, instance. Rejects, within a time, when they are nowhere.
 */
export async function defaultChainKey(
  sourceOf: () => Promise<CredentialSource> = awsDefaultChain,
  timeoutMs = FIND_MS_MAX,
): Promise<KeySecret> {
  try {
    const source = await sourceOf();
    return await within(timeoutMs, keyFrom(source), 'nothing was found within');
  } catch (error) {
    throw new Error(`no AWS credentials found: ${errorText(error)}`, { cause: error });
  }
}

async function keyFrom(source: CredentialSource): Promise<AwsKey> {
  return new ChainKey(await source(), source);
}

/** A set of credentials that ends, and knows where the next one comes from. */
class ChainKey extends AwsKey {
  override readonly renewed: () => Promise<KeySecret>;

  constructor(parts: AwsKeyParts, source: CredentialSource) {
    super(parts);
    this.renewed = async () => {
      const now = new ChainKey(await source(), source);
      return now.isSameAs(this) ? this : now;
    };
  }
}

/** Loaded when it is needed: it is large, and whoever gives credentials does not need it. */
async function awsDefaultChain(): Promise<CredentialSource> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  return defaultProvider();
}

import { rawResponse } from '../behaviours/raw.ts';
import type { Behaviour } from '../behaviours/behaviour.ts';
import type { Call } from '../call.ts';
import { wallClockMs } from '../wall-clock.ts';
import { expectedSignature, readSignature, sha256, type Signature } from './signature.ts';

export interface AwsAccount {
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly isExpired?: boolean;
}

interface Refusal {
  readonly status: number;
  readonly name: string;
  readonly message: string;
}

const SKEW_MS_MAX = 5 * 60_000;
const SERVICE = 'bedrock';

/** Who may call the simulated Bedrock. Nobody does before somebody is known here. */
export class AwsAccounts {
  region = 'us-east-1';
  /** How far the clock of AWS is ahead of this machine's. */
  clockOffsetMs = 0;
  readonly #accounts = new Map<string, AwsAccount>();
  #anySecret: string | undefined;

  add(accessKeyId: string, account: AwsAccount): this {
    this.#accounts.set(accessKeyId, account);
    return this;
  }

  /** Whoever signs with this secret is somebody. */
  acceptAnyKey(secretAccessKey: string): this {
    this.#anySecret = secretAccessKey;
    return this;
  }

  reset(): void {
    this.#accounts.clear();
    this.#anySecret = undefined;
    this.region = 'us-east-1';
    this.clockOffsetMs = 0;
  }

  /** What AWS says to a call that it does not let in; undefined for one that it does. */
  refusal(call: Call): Behaviour | undefined {
    const refusal = this.#refusal(call);
    if (refusal === undefined) return undefined;
    const { status, name, message } = refusal;
    const headers = {
      'content-type': 'application/json',
      'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.coral.service/`,
      'x-amzn-requestid': `00000000-0000-4000-8000-${String(call.ordinal).padStart(12, '0')}`,
    };
    const response = rawResponse({ status, headers, body: JSON.stringify({ message }) });
    return { ...response, name: `aws_${name}` };
  }

  #refusal(call: Call): Refusal | undefined {
    const { authorization } = call.headers;
    if (authorization === undefined) {
      return refused('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    const signature = readSignature(authorization);
    const timeMs = timeOf(call.headers['x-amz-date']);
    if (signature === undefined || timeMs === undefined) {
      const message = 'Authorization header requires its parts.';
      return { ...refused('IncompleteSignatureException', message), status: 400 };
    }
    const account = this.#accountOf(signature.accessKeyId);
    if (account === undefined || call.headers['x-amz-security-token'] !== account.sessionToken) {
      const message = 'The security token included in the request is invalid.';
      return refused('UnrecognizedClientException', message);
    }
    if (account.isExpired === true) {
      const message = 'The security token included in the request is expired';
      return refused('ExpiredTokenException', message);
    }
    const wrong = this.#scopeFault(signature) ?? this.#timeFault(timeMs);
    const message = wrong ?? signatureFault(call, signature, account);
    return message === undefined ? undefined : refused('InvalidSignatureException', message);
  }

  #accountOf(accessKeyId: string): AwsAccount | undefined {
    const any = this.#anySecret === undefined ? undefined : { secretAccessKey: this.#anySecret };
    return this.#accounts.get(accessKeyId) ?? any;
  }

  #scopeFault({ region, service }: Signature): string | undefined {
    if (region !== this.region) {
      return `Credential should be scoped to a valid region, not '${region}'. `;
    }
    return service === SERVICE
      ? undefined
      : `Credential should be scoped to correct service: '${SERVICE}'. `;
  }

  #timeFault(timeMs: number): string | undefined {
    const nowMs = wallClockMs() + this.clockOffsetMs;
    const [signed, now] = [stamp(timeMs), stamp(nowMs)];
    if (timeMs < nowMs - SKEW_MS_MAX) {
      const earliest = stamp(nowMs - SKEW_MS_MAX);
      return `Signature expired: ${signed} is now earlier than ${earliest} (${now} - 5 min.)`;
    }
    if (timeMs > nowMs + SKEW_MS_MAX) {
      const latest = stamp(nowMs + SKEW_MS_MAX);
      return `Signature not yet current: ${signed} is still later than ${latest} (${now} + 5 min.)`;
    }
    return undefined;
  }
}

/** Host, content type and everything of Amazon's have to be signed, and what is signed has to be what came. */
function signatureFault(
  call: Call,
  signature: Signature,
  { secretAccessKey }: AwsAccount,
): string | undefined {
  const { signedHeaders } = signature;
  const needed = Object.keys(call.headers).filter((name) =>
    /^(host$|content-type$|x-amz-)/.test(name),
  );
  const missing = needed.find((name) => !signedHeaders.includes(name));
  if (missing !== undefined) return `'${missing}' must be a signed header in the AWS Credential. `;
  const digest = call.headers['x-amz-content-sha256'] ?? sha256(call.body);
  const expected = expectedSignature(call, signature, secretAccessKey);
  if (expected === signature.signature && digest === sha256(call.body)) return undefined;
  return (
    'The request signature we calculated does not match the signature you provided. ' +
    'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
  );
}

function refused(name: string, message: string): Refusal {
  return { status: 403, name, message };
}

/** Of `20261122T031500Z`. */
function timeOf(text: unknown): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(text));
  if (parts === null) return undefined;
  const [year = 0, month = 1, ...rest] = parts.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest);
}

function stamp(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

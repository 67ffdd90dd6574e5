import { SecretMask } from '../../core/secret-mask.ts';
import type { Secret } from '../../core/secret.ts';
import type { DumpFile } from './dump-file.ts';
import { answerHead, requestHead, type DumpedRequest } from './dump-head.ts';
import type { DumpPart } from './dump-name.ts';

/**
 * What passes between the bridge and a provider in one attempt, as it passes. Besides what
 * headers and query give away by their names, the credential of the attempt is masked
 * wherever it stands. Nothing here waits or throws.
 */
export class AttemptDump {
  readonly #fileOf: (part: DumpPart) => DumpFile;
  /** Undefined where the credential is just some word, which masking would take out of other words. */
  readonly #secret: Secret | undefined;
  #answer: { readonly file: DumpFile; readonly mask: SecretMask | undefined } | undefined;
  #isEnded = false;

  constructor(fileOf: (part: DumpPart) => DumpFile, credential: Secret) {
    this.#fileOf = fileOf;
    this.#secret = credential.isDistinctive ? credential : undefined;
  }

  request(request: DumpedRequest, host: string): void {
    const file = this.#fileOf('req');
    file.append(this.#bytesOf(requestHead(request, host)));
    const mask = this.#mask();
    if (request.body !== undefined && file.isTaking) {
      file.append(mask?.pass(request.body) ?? request.body);
    }
    finish(file, mask);
  }

  answered(status: number, headers: readonly string[]): void {
    const file = this.#fileOf('resp');
    this.#answer = { file, mask: this.#mask() };
    file.append(this.#bytesOf(answerHead(status, headers)));
  }

  chunk(bytes: Buffer): void {
    if (this.#answer?.file.isTaking !== true) return;
    const { file, mask } = this.#answer;
    file.append(mask?.pass(bytes) ?? bytes);
  }

  /** Nothing more is read of the answer. Only the first end counts. */
  ended(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#answer === undefined) return;
    finish(this.#answer.file, this.#answer.mask);
  }

  /** There is no answer, or not all of it. */
  failed(reason: string): void {
    if (this.#isEnded) return;
    this.ended();
    const file = this.#fileOf('req_error');
    file.append(this.#bytesOf(`${reason}\n`));
    file.end();
  }

  #mask(): SecretMask | undefined {
    return this.#secret && new SecretMask(this.#secret);
  }

  /** Headers are Latin-1, in Node as on the wire. */
  #bytesOf(text: string): Buffer {
    return Buffer.from(this.#secret?.maskIn(text) ?? text, 'latin1');
  }
}

function finish(file: DumpFile, mask: SecretMask | undefined): void {
  const rest = mask?.rest();
  if (rest !== undefined) file.append(rest);
  file.end();
}

import { stringAt } from '../../core/json.ts';
import type { Secret } from '../../core/secret.ts';
import type { BedrockConfig } from '../bedrock-config.ts';
import type {
  AnswerHead,
  ApiRequest,
  StreamDecoder,
  TranslatedError,
  Translation,
  Translator,
  UnsignedRequest,
} from '../translation.ts';
import { translatedError } from './aws-errors.ts';
import { AwsKey } from './aws-key.ts';
import { EventFrames } from './event-frames.ts';
import { bedrockBody } from './request-body.ts';
import { mappedModel } from './settings.ts';
import { signatureHeaders } from './signature.ts';

const EVENT_STREAM = 'application/vnd.amazon.eventstream';

/** Between Anthropic's Messages API and the one of Bedrock that has the same content. */
export class BedrockTranslator implements Translator {
  readonly #baseUrl: URL;
  readonly #config: BedrockConfig;

  constructor(baseUrl: URL, config: BedrockConfig) {
    this.#baseUrl = baseUrl;
    this.#config = config;
  }

  /** P-43, P-44, P-48. */
  request({ json, parsed, valuesOf }: ApiRequest): Translation {
    const model = mappedModel(stringAt(parsed, 'model') ?? '', this.#config);
    const { rules } = this.#config;
    const body = bedrockBody({ json, parsed, model, rules, betaLines: valuesOf('anthropic-beta') });
    if (body === undefined) {
      const reason =
        'The model that serves this call on Bedrock does not hold to output_config.format; ' +
        'ask without it, or for another model.';
      return { kind: 'refused', model, reason };
    }
    const isStreaming = parsed['stream'] === true;
    return {
      kind: 'translated',
      model,
      path: `/model/${pathSegment(model)}/${isStreaming ? 'invoke-with-response-stream' : 'invoke'}`,
      json: body.json,
      headers: [
        'content-type',
        'application/json',
        'accept',
        isStreaming ? EVENT_STREAM : 'application/json',
      ],
      notes: body.notes,
    };
  }

  authorise(request: UnsignedRequest, key: Secret, nowMs: number): Promise<readonly string[]> {
    if (!(key instanceof AwsKey)) throw new TypeError('only AWS credentials sign for AWS');
    const { region } = this.#config;
    return signatureHeaders(request, key, { baseUrl: this.#baseUrl, region, nowMs });
  }

  error(head: AnswerHead, body: Buffer): TranslatedError | undefined {
    return translatedError(head, body);
  }

  /** Some gateways in front of Bedrock send events as Anthropic does: those pass as they are. */
  async streamDecoder({ valueOf }: AnswerHead): Promise<StreamDecoder | undefined> {
    const type = valueOf('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== EVENT_STREAM) return undefined;
    const { EventStreamCodec } = await import('@smithy/eventstream-codec');
    return new EventFrames(new EventStreamCodec(textOf, bytesOf));
  }
}

/** As AWS's own clients escape it: an ARN has slashes and colons. */
function pathSegment(model: string): string {
  return encodeURIComponent(model).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function textOf(data: Uint8Array | string): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** One line of the table of models. */
export interface ModelLine {
  /** What callers ask for; with a `*` at its end, whatever begins like that. */
  readonly asked: string;
  /** The id of a model or of an inference profile, or the ARN of one. */
  readonly model: string;
}

/** What sets one instance of Bedrock apart. */
export interface BedrockConfig {
  /** The one that requests are signed for. */
  readonly region: string;
  /** No credentials are given: they are where AWS's own tools find them. */
  readonly usesDefaultChain: boolean;
  /** The first line that fits decides. */
  readonly models: readonly ModelLine[];
  /** For what no line fits. */
  readonly model: string;
  /** The same, of the small models. */
  readonly smallFastModel: string;
  readonly rules: BedrockRules;
}

/**
 * What of a request Bedrock takes, by model. A model is named by a part of its id, so that regions
 * and versions need no mention; `*` is every model.
 */
export interface BedrockRules {
  /** The betas that Bedrock knows, each with the models that have it. Others are not sent. */
  readonly betas: Readonly<Record<string, readonly string[]>>;
  /** Fields that Bedrock knows of some models only. Fields without a rule are sent. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Fields that are sent only along with a beta. */
  readonly fieldsOfBeta: Readonly<Record<string, string>>;
  /** Models that think adaptively. Others are given a budget. */
  readonly adaptiveThinking: readonly string[];
  /** Models that hold to the schema of an answer. Of others nobody may believe that they do. */
  readonly structuredOutput: readonly string[];
}

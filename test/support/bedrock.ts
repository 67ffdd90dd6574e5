import type { Simulator } from '../simulator/index.ts';
import type { Fleet, FleetProvider } from './fleet.ts';

/** A set of AWS credentials that nobody else has. */
export interface AwsSet {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface BedrockProvider extends FleetProvider {
  readonly sets: readonly AwsSet[];
}

export const MAIN = 'eu.anthropic.claude-opus-4-5-20251101-v1:0';
export const SMALL = 'eu.anthropic.claude-haiku-4-5-20251001-v1:0';

/** The models that every provider of type Bedrock needs. */
export const MODELS = { BEDROCK_MODEL: MAIN, BEDROCK_SMALL_FAST_MODEL: SMALL };

/** Two sets of credentials, the second of them temporary. */
export function awsSets(name: string): readonly AwsSet[] {
  return [
    {
      accessKeyId: `AKIA${name.toUpperCase().padEnd(12, 'X')}0001`,
      secretAccessKey: `CANARYsecretFirst/${name}/qWxZjKvYpLgHtRnMbUsQd`,
    },
    {
      accessKeyId: `ASIA${name.toUpperCase().padEnd(12, 'X')}0002`,
      secretAccessKey: `CANARYsecretOther/${name}/zPkXvJwQyGhLrTmNdBsFu`,
      sessionToken: `CANARYtoken+${name}/vTqJxWzKyPnGrLhMdSbFc==`,
    },
  ];
}

/** A provider of a fleet, with credentials that only it has. */
export function bedrockOf(
  fleet: Fleet,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): BedrockProvider {
  const sets = awsSets(name);
  const variables = sets.flatMap(({ accessKeyId, secretAccessKey, sessionToken }, index) => [
    [`BEDROCK_${index}_ACCESS_KEY`, accessKeyId],
    [`BEDROCK_${index}_SECRET_KEY`, secretAccessKey],
    ...(sessionToken === undefined ? [] : [[`BEDROCK_${index}_SESSION_TOKEN`, sessionToken]]),
  ]);
  const credentials: Record<string, string> = Object.fromEntries(variables);
  const provider = fleet.provider('bedrock', { keys: 0, ...MODELS, ...credentials, ...settings });
  return { ...provider, keys: sets.map(({ accessKeyId }) => accessKeyId), sets };
}

/** Makes the simulated AWS know the credentials as they are, or with something changed. */
export function admit(
  simulator: Simulator,
  { sets }: { readonly sets: readonly AwsSet[] },
  changed: Readonly<Record<number, Partial<AwsSet> & { readonly isExpired?: boolean }>> = {},
): void {
  for (const [index, { accessKeyId, ...account }] of sets.entries()) {
    simulator.aws.add(accessKeyId, { ...account, ...changed[index] });
  }
}

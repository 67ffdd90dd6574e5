import type { BedrockConfig } from '../bedrock-config.ts';

const SMALL_FAST = 'haiku';

/** P-42. */
export function regionalBaseUrl(region: string): string {
  return `https://bedrock-runtime.${region}.amazonaws.com`;
}

/** The region that an address of Bedrock names, be it a private one of a VPC. */
export function regionIn(baseUrl: string): string | undefined {
  const { hostname } = new URL(baseUrl);
  return /(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(hostname)?.[1];
}

/** P-44: what is asked of Bedrock for what the caller asks for. */
export function mappedModel(
  asked: string,
  { models, model, smallFastModel }: BedrockConfig,
): string {
  const line = models.find((each) => covers(each.asked, asked));
  if (line !== undefined) return line.model;
  return asked.includes(SMALL_FAST) ? smallFastModel : model;
}

function covers(pattern: string, asked: string): boolean {
  if (!pattern.endsWith('*')) return pattern === asked;
  return asked.startsWith(pattern.slice(0, -1));
}

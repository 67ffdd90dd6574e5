import type { AwsCredentials, BedrockConfig } from '../settings/bridge-config.ts';
import { BEDROCK, PROVIDER } from '../settings/family-settings.ts';
import { nameAt } from '../settings/setting.ts';
import type { Setting } from '../settings/setting.ts';
import type { SettingsReader } from './settings-reader.ts';

/** All that a request would otherwise stumble over is checked here. */
export function readBedrock(
  reader: SettingsReader,
  index: number,
  type: string | undefined,
): BedrockConfig | undefined {
  const region = reader.read(BEDROCK.region, index);
  const credentials = readCredentials(reader, index);
  const model = reader.read(BEDROCK.model, index);
  const smallFastModel = reader.read(BEDROCK.smallFastModel, index);
  if (type !== 'bedrock') {
    if (type !== undefined) refuseForOtherType(reader, index, type);
    return undefined;
  }
  if (!reader.isGiven(PROVIDER.baseUrl, index)) need(reader, BEDROCK.region, index);
  need(reader, BEDROCK.model, index);
  need(reader, BEDROCK.smallFastModel, index);
  return { region, credentials, model: model ?? '', smallFastModel: smallFastModel ?? '' };
}

function readCredentials(reader: SettingsReader, index: number): AwsCredentials | undefined {
  const accessKey = reader.read(BEDROCK.accessKey, index);
  const secretKey = reader.read(BEDROCK.secretKey, index);
  const sessionToken = reader.read(BEDROCK.sessionToken, index);
  const isAnyGiven = [BEDROCK.accessKey, BEDROCK.secretKey, BEDROCK.sessionToken].some((each) =>
    reader.isGiven(each, index),
  );
  if (isAnyGiven) {
    need(reader, BEDROCK.accessKey, index);
    need(reader, BEDROCK.secretKey, index);
  }
  if (accessKey === undefined || secretKey === undefined) return undefined;
  return { accessKey, secretKey, sessionToken };
}

function need(reader: SettingsReader, setting: Setting<unknown>, index: number): void {
  if (reader.isGiven(setting, index)) return;
  reader.refuse(nameAt(setting, index), 'nothing', setting.type.wants);
}

function refuseForOtherType(reader: SettingsReader, index: number, type: string): void {
  for (const each of Object.values(BEDROCK)) {
    if (!reader.isGiven(each, index)) continue;
    reader.refuse(nameAt(each, index), `a value for type ${type}`, 'it left out, or type bedrock');
  }
}

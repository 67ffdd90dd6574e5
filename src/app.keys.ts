import { type BridgeConfig, deepFreeze } from './config/index.ts';
import { errorText } from './core/errors.ts';
import { providerOfType } from './providers/index.ts';

/**
 * The configuration with the keys that are found elsewhere. Asked before anything is started, so that
 * a bridge without them says so at once instead of to its first caller.
 */
export async function withFoundKeys(config: Readonly<BridgeConfig>): Promise<BridgeConfig> {
  const providers = await Promise.all(config.providers.map(withKeys));
  return deepFreeze({ ...config, providers });
}

async function withKeys(
  provider: BridgeConfig['providers'][number],
): Promise<BridgeConfig['providers'][number]> {
  const { findKeys } = providerOfType(provider.type) ?? {};
  if (findKeys === undefined) return provider;
  try {
    return { ...provider, keys: await findKeys(provider) };
  } catch (error) {
    throw new Error(`provider ${provider.name}: ${errorText(error)}`, { cause: error });
  }
}

import type { BridgeConfig } from './config/index.ts';
import { errorText } from './core/errors.ts';
import { providerOfType } from './providers/index.ts';

/**
 * The providers with the keys that are found elsewhere than in the configuration. Asked before anything
 * is started, so that a bridge without them says so at once instead of to its first caller.
 */
export function withFoundKeys(
  providers: BridgeConfig['providers'],
): Promise<BridgeConfig['providers']> {
  return Promise.all(
    providers.map(async (provider) => {
      const { findKeys } = providerOfType(provider.type) ?? {};
      if (findKeys === undefined) return provider;
      try {
        return { ...provider, keys: await findKeys(provider) };
      } catch (error) {
        throw new Error(`provider ${provider.name}: ${errorText(error)}`, { cause: error });
      }
    }),
  );
}

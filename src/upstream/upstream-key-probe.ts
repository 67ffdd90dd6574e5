import { KeyProbe, type PoolKey, type ProbeResult } from '../keypool/index.ts';
import { authHeader, upstreamTarget } from '../providers/index.ts';
import type { ProviderInstance } from './provider-instance.ts';
import { UpstreamFailure } from './wire/upstream-failure.ts';

/** Asks for the list of models, which every provider keeps behind a key and charges nothing for. */
export class UpstreamKeyProbe extends KeyProbe {
  readonly #instances: ReadonlyMap<string, ProviderInstance>;

  constructor(instances: readonly ProviderInstance[]) {
    super();
    this.#instances = new Map(instances.map((instance) => [instance.name, instance]));
  }

  override async probe(
    providerName: string,
    { secret }: PoolKey,
    signal: AbortSignal,
  ): Promise<ProbeResult> {
    const instance = this.#instances.get(providerName);
    if (instance === undefined) return 'unknown';
    const { provider, baseUrl, client } = instance;
    const { path } = upstreamTarget(baseUrl, provider.probePath, '');
    const headers = [
      ...Object.entries({ ...provider.defaultHeaders, 'user-agent': 'aibridge' }).flat(),
      ...authHeader({ secret, scheme: provider.auth }),
    ];
    try {
      const { status, body } = await client.call(
        { method: 'GET', path, headers, body: undefined },
        signal,
      );
      body.cancel();
      return resultOf(status);
    } catch (error) {
      if (error instanceof UpstreamFailure) return 'unknown';
      throw error;
    }
  }
}

function resultOf(status: number): ProbeResult {
  if (status >= 200 && status < 300) return 'accepted';
  return status === 401 || status === 403 ? 'rejected' : 'unknown';
}

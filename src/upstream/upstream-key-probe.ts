import { KeyProbe, type PoolKey, type ProbeResult } from '../keypool/index.ts';
import { type Provider, upstreamTarget } from '../providers/index.ts';
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
    const { provider, baseUrl } = instance;
    const { path } = upstreamTarget(baseUrl, provider.probePath, '');
    const headers = Object.entries({
      ...provider.defaultHeaders,
      'user-agent': 'aibridge',
    }).flat();
    const unsigned = { method: 'GET', path, headers, body: undefined };
    const request = await instance.authorised(unsigned, { secret, scheme: provider.auth });
    try {
      const { status, body } = await instance.call(request, signal);
      body.cancel();
      return resultOf(status, provider);
    } catch (error) {
      if (error instanceof UpstreamFailure) return 'unknown';
      throw error;
    }
  }
}

function resultOf(status: number, { probeAccepts = [] }: Provider): ProbeResult {
  if ((status >= 200 && status < 300) || probeAccepts.includes(status)) return 'accepted';
  return status === 401 || status === 403 ? 'rejected' : 'unknown';
}

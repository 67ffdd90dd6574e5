import type { HeaderBag } from '../behaviours/behaviour.ts';
import type { Vendor } from '../routes.ts';

export function requestIdOf(ordinal: number): string {
  return `req_${String(ordinal).padStart(12, '0')}`;
}

/** The headers that a vendor puts on every answer. */
export function vendorHeaders(vendor: Vendor, requestId: string): HeaderBag {
  if (vendor === 'aws') return { 'x-amzn-requestid': requestId };
  return vendor === 'anthropic'
    ? {
        'request-id': requestId,
        'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
      }
    : {
        'x-request-id': requestId,
        'openai-organization': 'org-simulated',
        'openai-processing-ms': '1',
        'openai-version': '2020-10-01',
      };
}

/** What a vendor adds where a model answered: how much of the limits is left. */
export function limitHeaders(vendor: Vendor): HeaderBag {
  if (vendor === 'aws') return {};
  return vendor === 'anthropic'
    ? {
        'anthropic-ratelimit-requests-limit': '4000',
        'anthropic-ratelimit-requests-remaining': '3999',
        'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:01Z',
        'anthropic-ratelimit-tokens-limit': '400000',
        'anthropic-ratelimit-tokens-remaining': '399000',
        'anthropic-ratelimit-tokens-reset': '2026-01-01T00:00:01Z',
      }
    : {
        'x-ratelimit-limit-requests': '10000',
        'x-ratelimit-remaining-requests': '9999',
        'x-ratelimit-reset-requests': '6ms',
        'x-ratelimit-limit-tokens': '2000000',
        'x-ratelimit-remaining-tokens': '1999000',
        'x-ratelimit-reset-tokens': '30ms',
      };
}

import { describe, expect, it } from 'vitest';
import { readProviders } from './providers.ts';
import { SettingsReader } from './settings-reader.ts';

const ENV = {
  AIBRIDGE_PROVIDER_0_TYPE: 'anthropic',
  AIBRIDGE_PROVIDER_1_TYPE: 'openai',
  AIBRIDGE_PROVIDER_1_BASE_URL: 'http://models.corp/v1',
};
const PROXY_1 = 'http://first:3128';
const PROXY_2 = 'http://second:3128';

function read(env: Readonly<Record<string, string>>, envFile = '') {
  const reader = new SettingsReader(
    { ...ENV, AIBRIDGE_ENV_FILE: '/env', ...env },
    { readFile: () => envFile },
  );
  const [https, http] = readProviders(reader).map(({ proxy }) => proxy?.origin);
  return { https, http, problems: reader.problems, warnings: reader.warnings };
}

describe('the proxy of a provider', () => {
  it('is none when none is named', () => {
    expect(read({})).toMatchObject({ https: undefined, http: undefined });
  });

  it('goes by the scheme of the base URL, and one does not stand in for the other', () => {
    expect(read({ HTTPS_PROXY: PROXY_1 })).toMatchObject({ https: PROXY_1, http: undefined });
    expect(read({ HTTP_PROXY: PROXY_1 })).toMatchObject({ https: undefined, http: PROXY_1 });
  });

  it('is the one in lower case where there are two', () => {
    const env = { HTTPS_PROXY: PROXY_1, https_proxy: PROXY_2 };
    expect(read(env).https).toBe(PROXY_2);
    expect(read({ ...env, https_proxy: '' })).toMatchObject({
      https: PROXY_1,
      warnings: ['https_proxy: is empty and counts as unset'],
    });
  });

  it('is the one of the environment, in whichever spelling, before that of the env file', () => {
    const { https, http } = read(
      { HTTPS_PROXY: PROXY_1 },
      `https_proxy=${PROXY_2}\nhttp_proxy=${PROXY_2}`,
    );
    expect([https, http]).toEqual([PROXY_1, PROXY_2]);
  });

  it('is none where NO_PROXY names the host', () => {
    const env = { HTTPS_PROXY: PROXY_1, HTTP_PROXY: PROXY_2 };
    expect(read({ ...env, NO_PROXY: '.corp' })).toMatchObject({ https: PROXY_1, http: undefined });
    expect(read({ ...env, no_proxy: '*' })).toMatchObject({ https: undefined, http: undefined });
  });

  it('is refused under the name that was written, without its credentials', () => {
    expect(read({ https_proxy: 'socks5://user:s3cret@proxy:1080' }).problems).toEqual([
      expect.stringMatching(/^https_proxy: got "a text that is not shown", wants http:\/\//),
    ]);
  });
});

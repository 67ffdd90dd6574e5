import { describe, expect, it } from 'vitest';
import { baseUrl, databaseUrl, endpointUrl } from './url-types.ts';

describe('a base URL', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com'],
    ['https://api.anthropic.com/', 'https://api.anthropic.com'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['HTTPS://Gateway.Example/Team', 'https://gateway.example/Team'],
    ['http://h/%25', 'http://h/%25'],
    ['http://[::1]:9', 'http://[::1]:9'],
  ])('%s is kept without a trailing slash', (text, value) => {
    expect(baseUrl.read(text)).toBe(value);
  });

  it.each([
    'api.openai.com',
    '/v1',
    'ftp://h',
    'https:h',
    'https://',
    'https://h?',
    'https://h?a=1',
    'https://h#',
    'https://user@h',
    'https://user:password@h',
    'https://h/%zz',
    'https://h/a b',
    'https://h/a\nb',
    String.raw`https://h\v1`,
    'https://h:99999',
  ])('refuses %j', (text) => {
    expect(baseUrl.read(text)).toBeUndefined();
  });
});

describe('an endpoint URL', () => {
  it.each(['https://mcp.example/mcp', 'https://mcp.example/mcp?tenant=1'])('accepts %s', (text) => {
    expect(endpointUrl.read(text)).toBe(text);
  });

  it.each(['https://h/#a', 'https://user:password@h/', 'mcp.example'])('refuses %s', (text) => {
    expect(endpointUrl.read(text)).toBeUndefined();
  });
});

describe('the database URL', () => {
  it.each([
    'postgresql://user:p%40ss@db:5432/aibridge',
    'postgres://db/aibridge?sslmode=require',
    'postgresql:///aibridge?host=/var/run/postgresql',
  ])('accepts %s', (text) => {
    expect(databaseUrl.read(text)?.reveal()).toBe(text);
  });

  // An unescaped special character would move a part of the password into what is shown.
  it.each([
    'mysql://user:password@db/aibridge',
    'db:5432/aibridge',
    'postgresql://user:1#word@db/aibridge',
    'postgresql://user:1/word@db/aibridge',
    'postgresql://user:1?word@db/aibridge',
    'postgresql://user:pass word@db/aibridge',
    'postgresql://user:100%@db/aibridge',
  ])('refuses %s', (text) => {
    expect(databaseUrl.read(text)).toBeUndefined();
  });

  it.each([
    [
      'postgresql://user:canary@db:5432/aibridge?password=canary',
      'postgresql://…@db:5432/aibridge?…',
    ],
    ['postgresql://user:can@ry@db/aibridge', 'postgresql://…@db/aibridge'],
    ['user:canary@db', '…@db'],
    ['postgresql://db/aibridge', 'postgresql://db/aibridge'],
  ])('shows %s without credentials', (text, shown) => {
    expect(databaseUrl.show?.(text)).toBe(shown);
  });
});

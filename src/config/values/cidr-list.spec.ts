import { describe, expect, it } from 'vitest';
import { CidrList, cidrList, hostName, isLoopback } from './cidr-list.ts';

describe('a list of address ranges', () => {
  it.each([
    ['127.0.0.0/8,::1/128', '127.9.9.9', true],
    ['127.0.0.0/8,::1/128', '::1', true],
    ['127.0.0.0/8,::1/128', '128.0.0.1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['10.0.0.0/8', '::ffff:11.1.2.3', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['fd00::/8', 'fd12::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', 'not an address', false],
    ['10.0.0.0/8', '', false],
  ])('%s contains %s: %s', (ranges, address, isInside) => {
    expect(cidrList.read(ranges)?.contains(address)).toBe(isInside);
  });

  it.each([
    '10.0.0.0/33',
    '::1/129',
    '10.0.0/8',
    '10.0.0.0/',
    'localhost',
    '10.0.0.0/8,',
    '10.0.0.0/-1',
  ])('refuses %s', (ranges) => {
    expect(cidrList.read(ranges)).toBeUndefined();
  });

  it('is shown as the ranges it was made from', () => {
    expect(JSON.stringify(CidrList.parse(['10.0.0.0/8']))).toBe('["10.0.0.0/8"]');
  });
});

describe('a host to listen on', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['localhost.example', false],
  ])('%s is loopback: %s', (host, expected) => {
    expect(hostName.read(host)).toBe(host);
    expect(isLoopback(host)).toBe(expected);
  });

  it.each(['[::1]', 'http://h', 'a b', '127.0.0.1:80', '300.1.1.1', '-h'])('refuses %s', (host) => {
    expect(hostName.read(host)).toBeUndefined();
  });
});

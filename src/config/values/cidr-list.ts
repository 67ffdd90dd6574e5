import { BlockList, isIP } from 'node:net';
import type { ValueType } from './value-types.ts';

/** Address ranges. An IPv4 peer on a dual-stack socket (`::ffff:10.0.0.1`) is in the IPv4 ranges. */
export class CidrList {
  readonly ranges: readonly string[];
  readonly #list = new BlockList();

  private constructor(ranges: readonly string[]) {
    this.ranges = ranges;
  }

  /** Undefined unless every range is an address, or an address and a prefix length. */
  static parse(ranges: readonly string[]): CidrList | undefined {
    const list = new CidrList(ranges);
    return ranges.every((range) => list.#add(range)) ? list : undefined;
  }

  contains(address: string): boolean {
    const [plain = ''] = address.split('%');
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  toJSON(): readonly string[] {
    return this.ranges;
  }

  #add(range: string): boolean {
    const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? [];
    const family = isIP(address);
    const bits = family === 4 ? 32 : 128;
    const prefix = digits === undefined ? bits : Number(digits);
    if (family === 0 || prefix > bits || address.includes('%')) return false;
    this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
    return true;
  }
}

export const cidrList: ValueType<CidrList> = {
  wants: 'a list separated by commas of addresses or ranges such as 10.0.0.0/8 or ::1/128',
  read: (text) => CidrList.parse(text.split(',').map((range) => range.trim())),
};

const LOOPBACK = CidrList.parse(['127.0.0.0/8', '::1']);

export function isLoopback(host: string): boolean {
  return host === 'localhost' || LOOPBACK?.contains(host) === true;
}

export const hostName: ValueType<string> = {
  wants: 'an IP address or a host name',
  read: (text) => {
    const isName = /^(?!.*\.\d+$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
    return isIP(text) !== 0 || isName ? text : undefined;
  },
};

import type { IncomingMessage } from 'node:http';
import type { IdentityConfig, IdentityMethod } from '../config/index.ts';
import type { Caller, Role } from './caller.ts';

/** What a request shows of its sender: the peer it comes from and its headers, each value apart. */
export interface Introduction {
  readonly peerAddress: string | undefined;
  readonly headers: NodeJS.Dict<string[]>;
}

export function introductionOf(req: IncomingMessage): Introduction {
  return { peerAddress: req.socket.remoteAddress, headers: req.headersDistinct };
}

const LOCAL: Caller = { id: 'local', metadata: {}, groups: [], role: 'admin' };
const ID_LENGTH_MAX = 256;
const PRINTABLE = /^[^\p{Cc}]+$/u;

type Method = (introduction: Introduction) => Caller | undefined;

/**
 * Tells who calls, by the configured methods in turn; the first that knows wins.
 * Undefined means that nobody is vouched for, and the request is refused.
 */
export class Identifier {
  readonly #methods: readonly Method[];
  readonly #config: IdentityConfig;

  constructor(config: IdentityConfig) {
    this.#config = config;
    this.#methods =
      config.methods === 'none' ? [() => LOCAL] : config.methods.map((name) => this.#method(name));
  }

  /** The headers that speak about the caller, in lower case: never for a provider's eyes. */
  get headerNames(): ReadonlySet<string> {
    const { header, groupsHeader, jwt } = this.#config;
    return new Set([header, groupsHeader, ...(jwt ? [jwt.header] : [])]);
  }

  identify(introduction: Introduction): Caller | undefined {
    for (const method of this.#methods) {
      const caller = method(introduction);
      if (caller !== undefined) return caller;
    }
    return undefined;
  }

  #method(name: IdentityMethod): Method {
    if (name === 'header') return (introduction) => this.#fromHeader(introduction);
    // The configuration refuses the methods that are still to come.
    throw new Error(`identity method ${name} is not available`);
  }

  /**
   * Asserted by the organisation's gateway and believed from nobody else. A header
   * that is there twice was added to by somebody who is not the gateway.
   */
  #fromHeader({ peerAddress, headers }: Introduction): Caller | undefined {
    const { trustedProxies, header, groupsHeader } = this.#config;
    if (peerAddress === undefined || !trustedProxies.contains(peerAddress)) return undefined;
    const id = onlyValue(headers[header]);
    const groupList = onlyValue(headers[groupsHeader] ?? ['']);
    if (id === undefined || groupList === undefined || !isSensibleId(id)) return undefined;
    const groups = groupList
      .split(',')
      .map((group) => group.trim())
      .filter((group) => group !== '');
    return { id, metadata: {}, groups, role: this.#roleOf(groups) };
  }

  #roleOf(groups: readonly string[]): Role {
    const { adminGroups, auditorGroups } = this.#config;
    if (groups.some((group) => adminGroups.includes(group))) return 'admin';
    return groups.some((group) => auditorGroups.includes(group)) ? 'auditor' : 'member';
  }
}

function onlyValue(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0]?.trim() : undefined;
}

function isSensibleId(id: string): boolean {
  return id.length <= ID_LENGTH_MAX && PRINTABLE.test(id);
}

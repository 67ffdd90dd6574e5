import { Injectable, UnauthorizedException } from '@nestjs/common';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Caller } from './caller.ts';
import { Identifier, introductionOf } from './identifier.ts';

const callers = new WeakMap<IncomingMessage, Caller>();

/** Lets nobody pass that nobody vouches for; handlers get who it is from `@CurrentCaller()`. */
@Injectable()
export class IdentityGuard implements CanActivate {
  constructor(private readonly identifier: Identifier) {}

  canActivate(context: ExecutionContext): boolean {
    const req = context.switchToHttp().getRequest<IncomingMessage>();
    const caller = this.identifier.identify(introductionOf(req));
    if (caller === undefined) throw new UnauthorizedException('Nobody vouches for the sender.');
    callers.set(req, caller);
    return true;
  }
}

/** Of a request that has passed the guard. */
export function callerOf(req: IncomingMessage): Caller {
  const caller = callers.get(req);
  if (caller === undefined) throw new Error('a handler that asks for the caller has no guard');
  return caller;
}

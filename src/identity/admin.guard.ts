import { ForbiddenException, Injectable } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { mayChange } from './caller.ts';
import { callerOf, IdentityGuard } from './identity.guard.ts';

/** For what changes something. */
@Injectable()
export class AdminGuard extends IdentityGuard {
  override canActivate(context: ExecutionContext): boolean {
    super.canActivate(context);
    if (mayChange(callerOf(context.switchToHttp().getRequest<IncomingMessage>()))) return true;
    throw new ForbiddenException('Only an admin may do this.');
  }
}

import { ForbiddenException, Injectable } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { mayReadAll } from './caller.ts';
import { callerOf, IdentityGuard } from './identity.guard.ts';

/** For what is nobody's own: auditors and admins. */
@Injectable()
export class AuditorGuard extends IdentityGuard {
  override canActivate(context: ExecutionContext): boolean {
    super.canActivate(context);
    if (mayReadAll(callerOf(context.switchToHttp().getRequest<IncomingMessage>()))) return true;
    throw new ForbiddenException('Only an auditor or an admin may read this.');
  }
}

import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Caller } from './caller.ts';
import { callerOf } from './identity.guard.ts';

/** A handler's parameter: who makes the request. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller =>
  callerOf(context.switchToHttp().getRequest<IncomingMessage>()),
);

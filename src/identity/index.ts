export { AdminGuard } from './admin.guard.ts';
export { AuditorGuard } from './auditor.guard.ts';
export { mayChange, mayReadAll, type Caller, type Role } from './caller.ts';
export { CurrentCaller } from './caller.decorator.ts';
export { Identifier, introductionOf } from './identifier.ts';
export { IdentityGuard } from './identity.guard.ts';

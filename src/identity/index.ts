export { mayChange, mayReadAll, type Caller, type Role } from './caller.ts';
export { Identifier, introductionOf } from './identifier.ts';

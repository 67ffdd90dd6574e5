export type { Operation } from './operation.ts';
export { anyOf, choice, flag, text, time, whole } from './parameter.ts';

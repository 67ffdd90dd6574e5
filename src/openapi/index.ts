export { EXAMPLE_ID, MEANING } from './meaning.ts';
export { JSON_TYPE, type Operation } from './operation.ts';
export {
  anyOf,
  choice,
  flag,
  noParameters,
  type NoParameters,
  text,
  time,
  whole,
} from './parameter.ts';

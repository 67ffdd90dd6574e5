import { IDENTITY, SERVER } from './settings.ts';

export interface NotYet {
  /** As in the definition, `<N>` included. */
  readonly name: string;
  /** Only this value, alone or in a comma list, is refused; every value when absent. */
  readonly value?: string;
  /** The one value that is accepted. */
  readonly except?: string;
  /** Ends the sentence "NAME: got …, wants …". */
  readonly reason: string;
}

/** What is defined and validated but not built: refused at start-up. Deleting an entry enables the feature. */
export const NOT_YET: readonly NotYet[] = [
  { name: SERVER.workers.name, except: '1', reason: '1: more processes are not supported yet' },
  {
    name: IDENTITY.methods.name,
    value: 'jwt',
    reason: 'header or none: signed tokens are not supported yet',
  },
  {
    name: IDENTITY.methods.name,
    value: 'token',
    reason: 'header or none: bridge tokens are not supported yet',
  },
];

/** Why the text of a variable cannot be served yet, if it cannot. */
export function notYetReasons(name: string, text: string): string[] {
  return NOT_YET.filter((entry) => entry.name === name && refuses(entry, text)).map(
    (entry) => entry.reason,
  );
}

function refuses({ value, except }: NotYet, text: string): boolean {
  if (value === undefined) return text !== except;
  return text.split(',').some((part) => part.trim() === value);
}

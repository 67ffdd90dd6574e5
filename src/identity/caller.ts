export type Role = 'member' | 'auditor' | 'admin';

/** Who makes a request, as far as the bridge has reason to believe it. */
export interface Caller {
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  readonly role: Role;
}

/** Whether the caller may read everybody's records, not only their own. */
export function mayReadAll(caller: Caller): boolean {
  return caller.role !== 'member';
}

export function mayChange(caller: Caller): boolean {
  return caller.role === 'admin';
}

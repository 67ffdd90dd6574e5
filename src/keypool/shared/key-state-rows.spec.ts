import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { scopeOf } from '../key/key-state.ts';
import { scopeColumn, scopeFrom } from './key-state-rows.ts';

const aModel = fc.oneof(
  fc.string({ unit: fc.constantFrom('-', 'a') }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  // Half a surrogate pair, also where the name is cut off.
  fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units)),
);

// Two scopes in one column stop the merge of both for good: one statement, one row, twice.
it('every scope has a column of its own, and comes back from it', () => {
  fc.assert(
    fc.property(fc.option(aModel), (model) => {
      const scope = model === null ? null : scopeOf(model);
      expect(scopeFrom(scopeColumn(scope))).toBe(scope);
    }),
  );
});

it('a name is kept as text that a database takes', () => {
  fc.assert(
    fc.property(aModel, (model) => {
      const column = scopeColumn(scopeOf(model));
      expect(column.isWellFormed() && !column.includes('\0')).toBe(true);
      expect(scopeOf(scopeOf(model))).toBe(scopeOf(model));
    }),
  );
});

/** Of a record, in every example. */
export const EXAMPLE_ID = '019a3b5c-7d00-7000-8000-3f2a1b0c9d8e';

/** What is said of the same thing wherever the API takes or shows it. */
export const MEANING = {
  provider: { description: 'The provider’s configured name.', examples: ['anthropic'] },
  credentialKind: { description: 'Whose key: the pool’s or the caller’s own.' },
  hint: { description: 'The masked key.', examples: ['sk-a...9f2c'] },
  fingerprint: {
    description: 'First 12 hex digits of the SHA-256 of the key.',
    examples: ['8d969eef6eca'],
  },
  purpose: {
    description:
      'What the client made the call for, as far as that shows; main, the conversation, when in ' +
      'doubt. Who calls can make it look like any: it is there to read by, not to rely on.',
    examples: ['main'],
  },
  pageLimit: { description: 'Items of a page.' },
  nextCursor: { description: 'Of the next page; null: the end.' },
};

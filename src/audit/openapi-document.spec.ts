import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documentationPage } from './documentation-page.ts';
import { openApiDocument } from './openapi-document.ts';
import { AUDIT_OPERATIONS } from './operations.ts';

const document = openApiDocument(AUDIT_OPERATIONS, {
  title: 'Audit',
  version: '1',
  description: 'For <tests>.',
});
const text = JSON.stringify(document);

/** The part of OpenAPI 3.1 that the document uses, to the letter. */
const schemaObject = z.record(z.string(), z.unknown());
const mediaTypes = z.record(
  z.string().regex(/^\w+\/[\w-]+$/),
  z.strictObject({ schema: schemaObject }),
);
const parameter = z
  .strictObject({
    name: z.string().min(1),
    in: z.enum(['path', 'query', 'header']),
    required: z.boolean(),
    description: z.string().optional(),
    schema: schemaObject.refine(
      (schema) => 'type' in schema || 'anyOf' in schema || '$ref' in schema,
    ),
  })
  .refine((given) => given.in !== 'path' || given.required);
const openApi = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(
    z.string().startsWith('/'),
    z.strictObject({
      get: z.strictObject({
        operationId: z.string().regex(/^[a-zA-Z]+$/),
        summary: z.string(),
        description: z.string().optional(),
        parameters: z.array(parameter),
        responses: z.record(
          z.string().regex(/^[2345]\d\d$/),
          z.strictObject({ description: z.string().min(1), content: mediaTypes }),
        ),
      }),
    }),
  ),
  components: z.strictObject({ schemas: z.record(z.string().regex(/^[\w.-]+$/), schemaObject) }),
});

describe('the published document', () => {
  it('is OpenAPI', () => {
    expect(openApi.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  it('refers to nothing that it does not have', () => {
    const names = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? '');
    expect(names.length).toBeGreaterThan(20);
    const known = Object.keys(document.components.schemas).map(
      (name) => `#/components/schemas/${name}`,
    );
    expect(known).toEqual(expect.arrayContaining(names));
  });

  it.each(AUDIT_OPERATIONS)('documents every parameter of $path', ({ path, parameters = {} }) => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(parameters)).toEqual(inPath);
  });

  it('names every operation differently', () => {
    const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(AUDIT_OPERATIONS.length);
  });

  it('says what a parameter takes, with an example', () => {
    expect(document.paths['/api/v1/interceptions']).toMatchObject({
      get: {
        parameters: expect.arrayContaining([
          {
            name: 'model',
            in: 'query',
            required: false,
            schema: {
              type: 'array',
              maxItems: 50,
              items: expect.objectContaining({ type: 'string' }),
              examples: [['claude-opus-4-5']],
            },
          },
          expect.objectContaining({ name: 'cursor', schema: { type: 'string' } }),
          expect.objectContaining({ name: 'streaming', schema: { type: 'boolean' } }),
        ]),
      },
    });
  });
});

describe('the page', () => {
  const page = documentationPage(document);

  it('shows every endpoint and fetches nothing', () => {
    for (const { path } of AUDIT_OPERATIONS) expect(page).toContain(`GET ${path}`);
    expect(page).not.toMatch(/<script|src=|@import|url\(/);
  });

  it('shows text as text', () => {
    expect(page).toContain('For &lt;tests&gt;.');
  });
});

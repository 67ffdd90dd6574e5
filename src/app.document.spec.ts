import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { API_DOCUMENT, OPERATIONS } from './app.document.ts';
import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from './core/json.ts';
import { documentationPage } from './openapi/documentation-page.ts';
import { openApiDocument } from './openapi/openapi-document.ts';

const text = JSON.stringify(API_DOCUMENT);

/** Everything that is of a kind, wherever it is in the document. */
function all(kind: 'schema' | 'parameters' | 'operationId'): unknown[] {
  const found: unknown[] = [];
  JSON.parse(text, (key, value) => {
    if (key === kind) found.push(value);
    return value;
  });
  return found;
}

const parameters = all('parameters').flat().filter(isObject);

/** Whether it can be seen what to write. */
function isObvious(schema: JsonObject = {}): boolean {
  return schema['type'] === 'boolean' || 'enum' in schema || 'default' in schema;
}

describe('the published document', () => {
  it('is OpenAPI 3.1, as the official schema has it', async () => {
    const validator = new Validator();
    expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  // The official schema of the document leaves these to JSON Schema.
  it('describes values in nothing but JSON Schema', () => {
    const ajv = new Ajv2020({ strict: true, validateFormats: false });
    const schemas = [...Object.values(API_DOCUMENT.components.schemas), ...all('schema')];
    expect(schemas.length).toBeGreaterThan(100);
    const wrong = schemas.filter((schema) => !isObject(schema) || !ajv.validateSchema(schema));
    expect(wrong).toEqual([]);
  });

  it('refers to nothing that it does not have', () => {
    const names = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference ?? '');
    expect(names.length).toBeGreaterThan(20);
    const known = Object.keys(API_DOCUMENT.components.schemas).map(
      (name) => `#/components/schemas/${name}`,
    );
    expect(known).toEqual(expect.arrayContaining(names));
  });

  it('has every operation, under a name of its own', () => {
    const ids = OPERATIONS.map(({ id }) => id);
    expect(all('operationId')).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(OPERATIONS)('documents the path of $id', ({ path, parameters: inPath = {} }) => {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(inPath)).toEqual(names);
  });

  it.each(OPERATIONS)('says what $id is for', ({ summary }) => {
    expect(summary).toMatch(/^[A-Z].{10,}[^.]$/);
  });

  it('says of every parameter what it means', () => {
    expect(parameters.length).toBeGreaterThan(80);
    const silent = parameters.filter(({ description }) => typeof description !== 'string');
    expect(silent).toEqual([]);
  });

  it('has an example wherever neither type nor default shows what to write', () => {
    const obscure = parameters.filter((parameter) => {
      const schema = objectAt(parameter, 'schema');
      if (isObvious(schema) || isObvious(objectAt(schema, 'items'))) return false;
      return arrayAt(schema, 'examples').length === 0;
    });
    expect(obscure.map((parameter) => stringAt(parameter, 'name'))).toEqual([]);
  });

  it('gives examples that are what they are examples of', () => {
    const ajv = new Ajv2020({ strict: true, validateFormats: false });
    const wrong = parameters.filter((parameter) => {
      const schema = objectAt(parameter, 'schema') ?? {};
      return !arrayAt(schema, 'examples').every((example) => ajv.validate(schema, example));
    });
    expect(wrong).toEqual([]);
  });

  it('has a repeated parameter as an array that is written value by value', () => {
    const model = parameters.find(({ name }) => name === 'model');
    expect(model).toEqual({
      name: 'model',
      in: 'query',
      required: false,
      description: expect.any(String),
      style: 'form',
      explode: true,
      schema: {
        type: 'array',
        maxItems: 50,
        items: expect.objectContaining({ type: 'string' }),
        examples: [['claude-opus-4-5']],
      },
    });
    const arrays = parameters.filter(
      (parameter) => objectAt(parameter, 'schema')?.['type'] === 'array',
    );
    for (const array of arrays) expect(array).toMatchObject({ style: 'form', explode: true });
  });

  it('says how a caller is known, and that it may be by nothing', () => {
    expect(API_DOCUMENT.security).toEqual([{ gateway: [] }, {}]);
    expect(API_DOCUMENT.components.securitySchemes).toMatchObject({
      gateway: { type: 'apiKey', in: 'header', name: 'X-Forwarded-User' },
    });
  });
});

describe('the page', () => {
  const page = documentationPage(API_DOCUMENT);

  it('shows every endpoint and fetches nothing', () => {
    for (const { method, path } of OPERATIONS) {
      expect(page).toContain(`<code>${method.toUpperCase()} ${path}</code>`);
    }
    expect(page).not.toMatch(/<script|src=|@import|url\(/);
  });

  it('shows text as text', () => {
    const info = { title: 'Audit', version: '1', description: 'For <tests>.' };
    const document = openApiDocument([], { info, security: [], securitySchemes: {} });
    expect(documentationPage(document)).toContain('For &lt;tests&gt;.');
  });
});

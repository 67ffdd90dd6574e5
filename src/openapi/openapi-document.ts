import { z } from 'zod';
import { ERRORS, errorSchema, type Operation } from './operation.ts';

type Json = Readonly<Record<string, unknown>>;

/** The description of the API. Also the token to inject it by. */
export abstract class OpenApiDocument {
  abstract readonly openapi: string;
  abstract readonly info: Json;
  abstract readonly security: readonly Json[];
  abstract readonly paths: Readonly<Record<string, Json>>;
  abstract readonly components: {
    readonly schemas: Json;
    readonly securitySchemes: Readonly<Record<string, Json>>;
  };
}

/** What the document says of the API as a whole. */
export interface ApiDescription {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  /** Ways to say who asks; one of them is needed. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly securitySchemes: Readonly<Record<string, Json>>;
}

/** Describes the API from the very schemas that check its input and type its output. */
export function openApiDocument(
  operations: readonly Operation[],
  { info, security, securitySchemes }: ApiDescription,
): OpenApiDocument {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method]: described(operation) };
  }
  const schemas = components([errorSchema, ...operations.flatMap(answersOf)]);
  return { openapi: '3.1.0', info, security, paths, components: { schemas, securitySchemes } };
}

function answersOf({ answers }: Operation): z.ZodType[] {
  return Object.values(answers);
}

function described(operation: Operation): Json {
  const { id, summary, description, answers, errors } = operation;
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    parameters: [
      ...parameters('path', operation.parameters ?? {}),
      ...parameters('query', operation.query?.shape ?? {}),
      ...parameters('header', operation.headers ?? {}),
    ],
    responses: {
      200: {
        description: summary,
        content: mapValues(answers, (schema) => ({ schema: referenced(schema) })),
      },
      ...Object.fromEntries(
        errors.map((status) => [
          status,
          {
            description: ERRORS[status],
            content: { 'application/json': { schema: referenced(errorSchema) } },
          },
        ]),
      ),
    },
  };
}

function canBeLeftOut(schema: z.core.$ZodType): boolean {
  return z.safeParse(schema, undefined).success;
}

function parameters(
  place: 'path' | 'query' | 'header',
  shape: Readonly<Record<string, z.core.$ZodType>>,
): Json[] {
  return Object.entries(shape).map(([name, schema]) => {
    const { description, ...json } = parameterSchema(schema);
    return {
      name,
      in: place,
      required: place === 'path' || (place === 'query' && !canBeLeftOut(schema)),
      ...(description !== undefined && { description }),
      // What OpenAPI means when nothing is said, for generators that do not know it.
      ...(json['type'] === 'array' && { style: 'form', explode: true }),
      schema: json,
    };
  });
}

/** As parsed: a repeated parameter is an array, a number a number. */
function parameterSchema(schema: z.core.$ZodType): Json {
  const json = jsonSchema(schema);
  const isOpaque = !('type' in json || 'anyOf' in json || 'enum' in json);
  const examples = json['type'] === 'array' && Array.isArray(json['examples']);
  return {
    ...(isOpaque && { type: 'string' }),
    ...json,
    ...(examples && { examples: arrays(json['examples']) }),
  };
}

/** The examples of a repeated parameter are given one value at a time. */
function arrays(examples: unknown): unknown[] {
  return Array.isArray(examples)
    ? examples.map((example) => (Array.isArray(example) ? example : [example]))
    : [];
}

function jsonSchema(schema: z.core.$ZodType): Json {
  const { $schema: _, ...json }: Json = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override: withoutPattern,
  });
  return json;
}

/** The format says it; the pattern behind it fills a page. */
function withoutPattern({
  jsonSchema: made,
}: {
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}) {
  if (made.format !== undefined) delete made.pattern;
}

/** Every named schema, and every one that it uses, once. */
function components(schemas: readonly z.ZodType[]): Json {
  const named = schemas.filter((schema) => nameOf(schema) !== undefined);
  const all = z.toJSONSchema(z.object(Object.fromEntries(named.entries())), {
    io: 'input',
    override: withoutPattern,
  });
  const text = JSON.stringify(all.$defs).replaceAll('"#/$defs/', `"${reference('')}`);
  const found: Record<string, Json> = JSON.parse(text);
  return mapValues(found, (schema) => {
    const { id: _, ...json } = schema;
    return json;
  });
}

function nameOf(schema: z.ZodType): string | undefined {
  return z.globalRegistry.get(schema)?.id;
}

function referenced(schema: z.ZodType): Json {
  const id = nameOf(schema);
  return id === undefined ? jsonSchema(schema) : { $ref: reference(id) };
}

function reference(id: string): string {
  return `#/components/schemas/${id}`;
}

function mapValues<From, To>(
  object: Readonly<Record<string, From>>,
  map: (value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

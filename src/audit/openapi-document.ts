import { z } from 'zod';

/** One endpoint, as its controller has it; the document is made of nothing else. */
export interface Operation {
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  /** What a 200 carries, by media type. */
  readonly answers: Readonly<Record<string, z.ZodType>>;
  readonly errors: readonly (400 | 401 | 403 | 404 | 429 | 503)[];
}

type Json = Readonly<Record<string, unknown>>;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Json>>;
  readonly components: { readonly schemas: Json };
}

const ERRORS = {
  400: 'A parameter is unknown or malformed; `details` names each.',
  401: 'Nobody vouches for the sender.',
  403: 'The caller may not do this.',
  404: 'It does not exist, or is not for the caller to see.',
  429: 'Too many of these are open.',
  503: 'The database is not available at the moment.',
} as const;

const errorSchema = z
  .object({
    statusCode: z.int(),
    error: z.string(),
    message: z.string(),
    details: z.array(z.unknown()).optional(),
  })
  .meta({ id: 'Error', description: 'What every failure looks like.' });

/** Describes the API from the very schemas that check its input and type its output. */
export function openApiDocument(
  operations: readonly Operation[],
  info: { readonly title: string; readonly version: string; readonly description: string },
): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info,
    paths: Object.fromEntries(
      operations.map((operation) => [operation.path, { get: described(operation) }]),
    ),
    components: { schemas: components([errorSchema, ...operations.flatMap(answersOf)]) },
  };
}

function answersOf({ answers }: Operation): z.ZodType[] {
  return Object.values(answers);
}

function described(operation: Operation): Json {
  const { path, summary, description, answers, errors } = operation;
  return {
    operationId: operationId(path),
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

/** `/api/v1/interceptions/{id}` → `getInterceptionsById` */
function operationId(path: string): string {
  const words = path.replace('/api/v1/', '').split(/\W+/).filter(Boolean);
  const named = path.endsWith('}') ? [...words.slice(0, -1), 'by', words.at(-1) ?? ''] : words;
  return ['get', ...named.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('');
}

function parameters(
  place: 'path' | 'query' | 'header',
  shape: Readonly<Record<string, z.core.$ZodType>>,
): Json[] {
  return Object.entries(shape).map(([name, schema]) => {
    const { $schema: _, description, ...json } = parameterSchema(schema);
    return {
      name,
      in: place,
      required: place === 'path',
      ...(description !== undefined && { description }),
      schema: json,
    };
  });
}

/** As parsed: a repeated parameter is an array, a number a number. */
function parameterSchema(schema: z.core.$ZodType): Json {
  const json: Json = z.toJSONSchema(schema, {
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // The format says it; the pattern behind it fills a page.
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
    },
  });
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

/** Every named schema, and every one that it uses, once. */
function components(schemas: readonly z.ZodType[]): Json {
  const named = schemas.filter((schema) => nameOf(schema) !== undefined);
  const all = z.toJSONSchema(z.object(Object.fromEntries(named.entries())), { io: 'input' });
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
  return id === undefined ? { type: 'string' } : { $ref: reference(id) };
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

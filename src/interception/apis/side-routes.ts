import type { BridgedApi } from '../../core/api-name.ts';
import { arrayAt, isObject, objectAt, stringAt, type JsonObject } from '../../core/json.ts';
import type { Api, RequestFacts } from './api.ts';
import { apiNamed } from './apis.ts';

/**
 * A passthrough route that carries a call of a model. It is relayed like any other; what
 * is read along is read if it can be, and nothing depends on it.
 */
export interface SideRoute {
  readonly api: Api;
  /** What is taken from a request's body. */
  readonly readRequest: ((body: JsonObject, api: Api) => RequestFacts) | undefined;
  /** What the request says besides, for the notes of the record. */
  readonly noteOf?: (body: JsonObject) => string;
  /**
   * `counted`: the answer is that of a call, which is recorded nowhere else. `fetched`: it
   * is one that was made before, and may be asked for any number of times; its usage is
   * told, and not counted.
   */
  readonly answer: 'counted' | 'fetched' | undefined;
}

interface Row extends Omit<SideRoute, 'api'> {
  readonly route: RegExp;
  readonly api: BridgedApi;
}

/** Described in docs/passthrough.md. */
const TABLE: readonly Row[] = [
  row('POST /responses/compact', 'responses', modelOf, 'counted'),
  row('POST /responses/input_tokens', 'responses', modelOf, undefined),
  row('POST /responses/{id}/cancel', 'responses', undefined, 'fetched'),
  row('GET /responses/{id}', 'responses', undefined, 'fetched'),
  row('POST /conversations/{id}/responses', 'responses', allOf, 'counted'),
  row('POST /messages/count_tokens', 'messages', modelOf, undefined),
  {
    ...row('POST /messages/batches', 'messages', modelOfBatch, undefined),
    noteOf: (body) => `a batch of ${arrayAt(body, 'requests').length} requests`,
  },
];

/** Some providers have the version in their paths, of others it is in the base URL. */
const VERSION = /^\/v1(?=\/)/;

export function sideRouteOf(method: string, upstreamPath: string): SideRoute | undefined {
  const asked = `${method} ${upstreamPath.replace(VERSION, '')}`;
  const found = TABLE.find(({ route }) => route.test(asked));
  return found && { ...found, api: apiNamed(found.api) };
}

function row(
  route: string,
  api: BridgedApi,
  readRequest: Row['readRequest'],
  answer: Row['answer'],
): Row {
  return { route: new RegExp(`^${route.replace('{id}', '[^/]+')}$`), api, readRequest, answer };
}

function allOf(body: JsonObject, api: Api): RequestFacts {
  return api.readRequest(body);
}

/** The conversation in it was recorded when it was held. */
function modelOf(body: JsonObject, api: Api): RequestFacts {
  return { ...api.readRequest(body), turn: [] };
}

/** Empty where the requests of a batch differ in it. */
function modelOfBatch(body: JsonObject): RequestFacts {
  const requests = arrayAt(body, 'requests').filter(isObject);
  const models = new Set(requests.map((one) => stringAt(objectAt(one, 'params'), 'model') ?? ''));
  const [model = ''] = models;
  return { model: models.size === 1 ? model : '', isStreaming: false, turn: [] };
}

import { JSON_TYPE, noParameters, type Operation } from '../openapi/index.ts';
import { breakersAnswerSchema, breakersQuery } from './breaker-shape.ts';
import { keyExplanationSchema } from './key-explanation-shape.ts';
import {
  keyDrillQuery,
  keyEventsQuery,
  keyExplanationQuery,
  keyName,
  keysQuery,
} from './key-query.ts';
import { keyEventPageSchema, keySchema, keysAnswerSchema } from './key-shape.ts';
import { toolServersAnswerSchema } from './tool-server-shape.ts';

/** Every endpoint for operators, for the document that describes them. */
export const OPERATOR_OPERATIONS: readonly Operation[] = [
  {
    id: 'listKeys',
    method: 'get',
    path: '/api/v1/keys',
    summary: 'The pool keys and their state, in the order of preference',
    description: 'As the replica that answers goes by it. For auditors and admins.',
    query: keysQuery,
    answers: { [JSON_TYPE]: keysAnswerSchema },
    errors: [400, 401, 403],
  },
  {
    id: 'explainKeys',
    method: 'get',
    path: '/api/v1/keys/explain',
    summary: 'Which key the next call would be made with, and why not with the others',
    description:
      'As the replica that answers would make it. Nothing is called and nothing changes. For ' +
      'auditors and admins.',
    query: keyExplanationQuery,
    answers: { [JSON_TYPE]: keyExplanationSchema },
    errors: [400, 401, 403, 404],
  },
  {
    id: 'resetKey',
    method: 'post',
    path: '/api/v1/keys/{provider}/{fingerprint}/reset',
    summary: 'Makes a key valid again',
    description: 'On all replicas, and for all models. For admins.',
    parameters: keyName,
    answers: { [JSON_TYPE]: keySchema },
    errors: [400, 401, 403, 404],
  },
  {
    id: 'drillKey',
    method: 'post',
    path: '/api/v1/keys/{provider}/{fingerprint}/drill',
    summary: 'Treats a key as if the provider had limited it, for a while',
    description:
      'On all replicas, and without a call to the provider: calls go to the next key, until the ' +
      'time is over or the key is reset. Refused where something is held against the key, which a ' +
      'reset would forget, and where no other key is left. For admins.',
    parameters: keyName,
    query: keyDrillQuery,
    answers: { [JSON_TYPE]: keySchema },
    errors: [400, 401, 403, 404, 409],
  },
  {
    id: 'listKeyEvents',
    method: 'get',
    path: '/api/v1/keys/events',
    summary: 'What became of the keys, newest first',
    description: 'Repeat a parameter for OR. For auditors and admins.',
    query: keyEventsQuery,
    answers: { [JSON_TYPE]: keyEventPageSchema },
    errors: [400, 401, 403, 503],
  },
  {
    id: 'listBreakers',
    method: 'get',
    path: '/api/v1/breakers',
    summary: 'The circuit breakers of the ways on which calls have failed',
    description:
      'As the replica that answers goes by them: each has its own. Ways that are not listed are ' +
      'open to all. For auditors and admins.',
    query: breakersQuery,
    answers: { [JSON_TYPE]: breakersAnswerSchema },
    errors: [400, 401, 403],
  },
  {
    id: 'listToolServers',
    method: 'get',
    path: '/api/v1/mcp',
    summary: 'The servers of tools, whether they are there, and what they offer',
    description:
      'In the order of the configuration, as the replica that answers is connected to them. For ' +
      'auditors and admins.',
    query: noParameters,
    answers: { [JSON_TYPE]: toolServersAnswerSchema },
    errors: [400, 401, 403],
  },
];

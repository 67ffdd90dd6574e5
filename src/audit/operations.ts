import type { Operation } from '../openapi/index.ts';
import { EXPORT_INTERCEPTIONS } from './export/export.operations.ts';
import { LIST_FACET } from './facets/facets.operations.ts';
import { GET_INTERCEPTION, LIST_INTERCEPTIONS } from './interceptions/interceptions.operations.ts';
import { WATCH_INTERCEPTIONS } from './live/live.operations.ts';
import { GET_ME } from './me/me.operations.ts';
import { GET_SESSION, LIST_SESSIONS } from './sessions/sessions.operations.ts';
import { GET_USAGE } from './usage/usage.operations.ts';

/** Every endpoint of the audit, in the order of the document that describes them. */
export const AUDIT_OPERATIONS: readonly Operation[] = [
  LIST_INTERCEPTIONS,
  GET_INTERCEPTION,
  EXPORT_INTERCEPTIONS,
  WATCH_INTERCEPTIONS,
  LIST_SESSIONS,
  GET_SESSION,
  GET_USAGE,
  LIST_FACET,
  GET_ME,
];

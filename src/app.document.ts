import { OPERATOR_OPERATIONS } from './admin/operations.ts';
import { AUDIT_OPERATIONS } from './audit/operations.ts';
import { openApiDocument, type OpenApiDocument } from './openapi/openapi-document.ts';

export const OPERATIONS = [...AUDIT_OPERATIONS, ...OPERATOR_OPERATIONS];

/** The API of the bridge itself. What providers are asked is described by them. */
export const API_DOCUMENT: OpenApiDocument = openApiDocument(OPERATIONS, {
  info: {
    title: 'AI Bridge',
    version: '1',
    description:
      'What went through the bridge: who asked what, with which key, at what cost; and the state of ' +
      'the keys. Members read their own records, auditors and admins everybody’s, and admins change ' +
      'things. Every failure is an ApiError. Times are ISO 8601 in UTC.',
  },
  security: [{ gateway: [] }, {}],
  securitySchemes: {
    gateway: {
      type: 'apiKey',
      in: 'header',
      name: 'X-Forwarded-User',
      description:
        'With AIBRIDGE_IDENTITY=header: who calls, as the gateway in front asserts it, beside the ' +
        'comma-separated groups in X-Forwarded-Groups. Believed from AIBRIDGE_TRUSTED_PROXIES only; ' +
        'AIBRIDGE_IDENTITY_HEADER and AIBRIDGE_GROUPS_HEADER name other headers. With ' +
        'AIBRIDGE_IDENTITY=none, the default on loopback, nothing is needed: everybody is an admin.',
    },
  },
});

/** The APIs that are read and audited, as records and questions name them. */
const BRIDGED_APIS = ['messages', 'chat_completions', 'responses'] as const;
export type BridgedApi = (typeof BRIDGED_APIS)[number];

/** What a record can be of; `passthrough` is relayed unread. */
export const API_NAMES = [...BRIDGED_APIS, 'passthrough'] as const;
export type ApiName = (typeof API_NAMES)[number];

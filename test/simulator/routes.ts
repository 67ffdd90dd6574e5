export type RouteName =
  | 'messages'
  | 'count_tokens'
  | 'event_logging'
  | 'models'
  | 'model'
  | 'chat_completions'
  | 'responses'
  | 'response'
  | 'response_cancel'
  | 'response_input_items'
  | 'conversations'
  | 'conversation'
  | 'agents'
  | 'mcp'
  | 'well_known'
  | 'unknown';

/** Whose envelope and headers an answer wears. */
export type Vendor = 'anthropic' | 'openai';

export interface Route {
  readonly name: RouteName;
  readonly vendor: Vendor;
  /** The id in the path of a sub-resource, otherwise empty. */
  readonly id: string;
  readonly query: URLSearchParams;
}

interface Pattern {
  readonly name: RouteName;
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly vendor?: Vendor;
}

// OpenAI's base URL ends in /v1, Copilot's does not: both forms are one route.
const PATTERNS: readonly Pattern[] = [
  { name: 'messages', methods: ['POST'], path: /^\/v1\/messages$/, vendor: 'anthropic' },
  {
    name: 'count_tokens',
    methods: ['POST'],
    path: /^\/v1\/messages\/count_tokens$/,
    vendor: 'anthropic',
  },
  {
    name: 'event_logging',
    methods: ['POST'],
    path: /^\/api\/event_logging\/.+$/,
    vendor: 'anthropic',
  },
  { name: 'models', methods: ['GET'], path: /^(?:\/v1)?\/models\/?$/ },
  { name: 'model', methods: ['GET'], path: /^(?:\/v1)?\/models\/(.+)$/ },
  { name: 'chat_completions', methods: ['POST'], path: /^(?:\/v1)?\/chat\/completions$/ },
  { name: 'responses', methods: ['POST'], path: /^(?:\/v1)?\/responses$/ },
  { name: 'response', methods: ['GET', 'DELETE'], path: /^(?:\/v1)?\/responses\/([^/]+)$/ },
  { name: 'response_cancel', methods: ['POST'], path: /^(?:\/v1)?\/responses\/([^/]+)\/cancel$/ },
  {
    name: 'response_input_items',
    methods: ['GET'],
    path: /^(?:\/v1)?\/responses\/([^/]+)\/input_items$/,
  },
  { name: 'conversations', methods: ['GET', 'POST'], path: /^(?:\/v1)?\/conversations\/?$/ },
  {
    name: 'conversation',
    methods: ['GET', 'POST', 'DELETE'],
    path: /^(?:\/v1)?\/conversations\/([^/]+)$/,
  },
  { name: 'agents', methods: ['GET', 'POST'], path: /^\/agents\/.*$/ },
  { name: 'mcp', methods: ['GET', 'POST', 'DELETE'], path: /^\/mcp(?:\/.*)?$/ },
  { name: 'well_known', methods: ['GET'], path: /^\/\.well-known\/.+$/ },
];

/** Finds the route of a request; `looksAnthropic` decides where both vendors own the path. */
export function routeOf(method: string, target: string, looksAnthropic: boolean): Route {
  const [path = '', queryText = ''] = target.split(/\?(.*)/s, 2);
  const query = new URLSearchParams(queryText);
  const fallback: Vendor = looksAnthropic ? 'anthropic' : 'openai';
  for (const pattern of PATTERNS) {
    const match = pattern.methods.includes(method) ? pattern.path.exec(path) : null;
    if (match === null) continue;
    const vendor = pattern.vendor ?? (isShared(pattern.name) ? fallback : 'openai');
    return { name: pattern.name, vendor, id: match[1] ?? '', query };
  }
  return { name: 'unknown', vendor: fallback, id: '', query };
}

function isShared(name: RouteName): boolean {
  return name === 'models' || name === 'model';
}

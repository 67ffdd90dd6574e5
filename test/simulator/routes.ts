import type { IncomingHttpHeaders } from 'node:http';

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
  | 'bedrock_invoke'
  | 'bedrock_stream'
  | 'bedrock_jobs'
  | 'unknown';

/** Whose envelope and headers an answer wears. */
export type Vendor = 'anthropic' | 'openai' | 'aws';

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
  /** Left out where both have it. */
  readonly vendor?: Vendor;
}

const PATTERNS: readonly Pattern[] = [
  anthropic('messages', ['POST'], /^\/v1\/messages$/),
  anthropic('count_tokens', ['POST'], /^\/v1\/messages\/count_tokens$/),
  anthropic('event_logging', ['POST'], /^\/api\/event_logging\/.+$/),
  { name: 'models', methods: ['GET'], path: /^(?:\/v1)?\/models\/?$/ },
  { name: 'model', methods: ['GET'], path: /^(?:\/v1)?\/models\/(.+)$/ },
  // OpenAI's base URL ends in /v1, Copilot's does not: both forms are one route.
  openai('chat_completions', ['POST'], /^(?:\/v1)?\/chat\/completions$/),
  openai('responses', ['POST'], /^(?:\/v1)?\/responses$/),
  openai('response', ['GET', 'DELETE'], /^(?:\/v1)?\/responses\/([^/]+)$/),
  openai('response_cancel', ['POST'], /^(?:\/v1)?\/responses\/([^/]+)\/cancel$/),
  openai('response_input_items', ['GET'], /^(?:\/v1)?\/responses\/([^/]+)\/input_items$/),
  openai('conversations', ['GET', 'POST'], /^(?:\/v1)?\/conversations\/?$/),
  openai('conversation', ['GET', 'POST', 'DELETE'], /^(?:\/v1)?\/conversations\/([^/]+)$/),
  openai('agents', ['GET', 'POST'], /^\/agents\/.*$/),
  openai('mcp', ['GET', 'POST', 'DELETE'], /^\/mcp(?:\/.*)?$/),
  openai('well_known', ['GET'], /^\/\.well-known\/.+$/),
  aws('bedrock_invoke', ['POST'], /^\/model\/([^/]+)\/invoke$/),
  aws('bedrock_stream', ['POST'], /^\/model\/([^/]+)\/invoke-with-response-stream$/),
  aws('bedrock_jobs', ['GET'], /^\/async-invoke$/),
];

function anthropic(name: RouteName, methods: readonly string[], path: RegExp): Pattern {
  return { name, methods, path, vendor: 'anthropic' };
}

function openai(name: RouteName, methods: readonly string[], path: RegExp): Pattern {
  return { name, methods, path, vendor: 'openai' };
}

function aws(name: RouteName, methods: readonly string[], path: RegExp): Pattern {
  return { name, methods, path, vendor: 'aws' };
}

/** Finds the route of a request. Where both vendors own a path, the headers decide whose it is. */
export function routeFor(method: string, target: string, headers: IncomingHttpHeaders): Route {
  const [path = '', queryText = ''] = target.split(/\?(.*)/s, 2);
  const query = new URLSearchParams(queryText);
  for (const { name, methods, path: pattern, vendor } of PATTERNS) {
    const match = methods.includes(method) ? pattern.exec(path) : null;
    if (match === null) continue;
    return { name, vendor: vendor ?? vendorOf(headers), id: match[1] ?? '', query };
  }
  return { name: 'unknown', vendor: vendorOf(headers), id: '', query };
}

function vendorOf(headers: IncomingHttpHeaders): Vendor {
  return 'x-api-key' in headers || 'anthropic-version' in headers ? 'anthropic' : 'openai';
}

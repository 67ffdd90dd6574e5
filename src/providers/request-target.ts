/** A request's target, taken apart but not changed. */
export interface RequestTarget {
  /** The first path segment: the name of a provider, perhaps. */
  readonly name: string;
  /** What follows the name; this is the `route` that is recorded. */
  readonly route: string;
  /** From its `?` on, exactly as sent; empty without one. */
  readonly query: string;
}

export interface UpstreamTarget {
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
}

const TARGET = /^\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?$/;
const DOT_SEGMENT = /^\.\.?(?:;|$)/;
const ENCODED_OCTET = /%[\da-f]{2}/i;
/** Slashes, and the control characters that some servers cut a path at. */
const SPLITS_PATH = /[/\\\p{Cc}]/u;

/** Undefined for what is no path of ours, such as the absolute form that is sent to proxies. */
export function parseTarget(url: string): RequestTarget | undefined {
  const match = TARGET.exec(url);
  if (!match) return undefined;
  const [, name = '', route = '', query = ''] = match;
  return { name, route, query };
}

/**
 * Whether every server on the way reads this path as the bridge does. What one of
 * them could decode or clean into another path (dot segments, also as `..;`, empty
 * ones, slashes in disguise, a second layer of encoding) would lead out of the
 * allow-list with a central key in hand, so it is refused rather than repaired.
 */
export function isPlainPath(path: string): boolean {
  const segments = path.split('/').slice(1);
  return segments.every((segment, index) =>
    segment === '' ? index === segments.length - 1 : isPlainSegment(segment),
  );
}

/** Joins with exactly one slash. The query is the caller's, as it is. */
export function upstreamTarget(baseUrl: URL, path: string, query: string): UpstreamTarget {
  return { origin: baseUrl.origin, path: `${baseUrl.pathname.replace(/\/+$/, '')}${path}${query}` };
}

function isPlainSegment(segment: string): boolean {
  const text = decoded(segment);
  return (
    text !== undefined &&
    !SPLITS_PATH.test(text) &&
    !DOT_SEGMENT.test(text) &&
    !ENCODED_OCTET.test(text)
  );
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not UTF-8, or a stray percent sign: nobody knows what upstream would make of it.
    return undefined;
  }
}

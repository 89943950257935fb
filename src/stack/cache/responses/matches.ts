/** Finds the stored response for a request: the one that Vary selects, or a part of it. */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { variantKey } from '../rules/request-rules.ts';
import { FAILED } from '../store/store.ts';
import { PART, type Found, type KeptResponse, type ResponseEntries, type VaryIndex } from './response-entries.ts';

export interface Match {
  readonly failed: boolean;
  readonly index?: VaryIndex | undefined;
  readonly kept?: KeptResponse | undefined;
  /** A stored part, if the request asks for a range. */
  readonly part?: KeptResponse | undefined;
  /** The key of a fill for this request. */
  readonly key: string;
}

/** Synchronous when the entries are. */
export function findMatch(
  entries: ResponseEntries,
  { primary, request }: { readonly primary: string; readonly request: CacheRequest },
): Match | Promise<Match> {
  const found = entries.get(primary);
  const select = (first: Found): Match | Promise<Match> => {
    if (typeof first !== 'object' || first.kind === 'response')
      return withPart(entries, matchOf(primary, first), request);
    const key = variantKey(primary, first.id, first.fields, request);
    const variant = entries.get(key);
    if (variant instanceof Promise) {
      return variant.then((second) => withPart(entries, matchOf(key, second, first), request));
    }
    return withPart(entries, matchOf(key, variant, first), request);
  };
  return found instanceof Promise ? found.then(select) : select(found);
}

function withPart(entries: ResponseEntries, match: Match, { headers }: CacheRequest): Match | Promise<Match> {
  if (headers.range === undefined || match.kept !== undefined || match.failed) return match;
  const found = entries.get(match.key + PART);
  const joined = (part: Found): Match => ({ ...match, part: matchOf(match.key, part).kept });
  return found instanceof Promise ? found.then(joined) : joined(found);
}

function matchOf(key: string, found: Found, index?: VaryIndex): Match {
  const kept = typeof found === 'object' && found.kind === 'response' ? found : undefined;
  return { key, kept, index, failed: found === FAILED };
}

/** Undefined where the response may not answer this client. */
export function usableFor(kept: KeptResponse | undefined, request: CacheRequest): KeptResponse | undefined {
  return kept !== undefined && 'authorization' in request.headers && !kept.freshness.forAuthorized ? undefined : kept;
}

/** Stored responses after a 304 or an answer to HEAD has brought newer fields (RFC 9111 sections 3.2, 4.3.4 and 4.3.5). */
import { headerObject } from '../rules/directives.ts';
import { judge, type Arrival, type Freshness } from '../rules/freshness.ts';
import { storedFields, updatedFields } from '../rules/stored-fields.ts';
import { keptFrom } from './kept-response.ts';
import type { KeptResponse } from './response-entries.ts';
import { hasTag } from './validators.ts';

/** As `KeptResponse`; without freshness when it may no longer be stored. */
export type Updated = Omit<KeptResponse, 'freshness'> & { readonly freshness: Freshness | undefined };

/**
 * A 304 with another tag still says that the stored response is current, but its fields belong to another representation, so
 * none of them is taken over.
 */
export function updatedBy304(kept: KeptResponse, arrival: Arrival): Updated {
  const etag = headerObject(arrival.fields).etag;
  const other = etag !== undefined && kept.etag !== undefined && !hasTag(etag, kept.etag);
  const now = ['Date', new Date(arrival.nowMs).toUTCString()];
  const fields = updatedFields(kept.headers, other ? now : arrival.fields);
  const freshness = judge({ ...arrival, status: kept.status, fields });
  const headers = storedFields(fields);
  const named = headerObject(headers);
  return { ...kept, headers, etag: named.etag, lastModified: named['last-modified'], freshness };
}

/** Undefined when the HEAD response describes another response than the stored one: the stored one is then out of date. */
export function updatedByHead(kept: KeptResponse, arrival: Arrival): KeptResponse | undefined {
  if (arrival.status !== 200 || !describes(headerObject(arrival.fields), kept)) return undefined;
  const fields = updatedFields(kept.headers, arrival.fields);
  const freshness = judge({ ...arrival, status: kept.status, fields });
  if (freshness === undefined) return undefined;
  return { ...keptFrom(kept.status, storedFields(fields), freshness, kept.body), tags: kept.tags };
}

/** Whether the fields of a response to HEAD can describe the stored response. */
function describes(named: Readonly<Record<string, string>>, { etag, lastModified, body }: KeptResponse): boolean {
  const length = named['content-length'];
  if (named.etag !== undefined && named.etag !== etag) return false;
  if (named['last-modified'] !== undefined && named['last-modified'] !== lastModified) return false;
  return length === undefined || Number(length) === body.length;
}

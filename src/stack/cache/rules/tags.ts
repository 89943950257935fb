/**
 * Tags by which an origin groups responses for a purge: `Cache-Tag` (a comma list, as Cloudflare and Akamai have it) and
 * `Surrogate-Key` (a list with spaces, as Fastly has it).
 */
const MAX_TAGS = 100;
const MAX_TAG_LENGTH = 256;
const NONE: readonly string[] = [];

/** Printable ASCII without comma and space. */
export function isTag(text: string): boolean {
  return text.length <= MAX_TAG_LENGTH && /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}

/**
 * The tags of a response, by its fields in lower case. Undefined when there are more than can be stored: a response that a
 * purge could not find must not be stored.
 */
export function tagsOf(headers: Readonly<Record<string, string>>): readonly string[] | undefined {
  const { 'cache-tag': list, 'surrogate-key': keys } = headers;
  if (list === undefined && keys === undefined) return NONE;
  const tags = [...new Set([...(list ?? '').split(/\s*,\s*|\s+/), ...(keys ?? '').split(/[\s,]+/)])].filter(Boolean);
  return tags.length <= MAX_TAGS && tags.every(isTag) ? tags : undefined;
}

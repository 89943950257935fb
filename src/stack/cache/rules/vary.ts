/**
 * Selection by Vary (RFC 9111 section 4.1): which request fields select a response, and their values in a form that is equal
 * for requests with the same meaning.
 */

/** A response with more selecting fields than this is not stored. */
const MAX_VARY = 20;
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** Lists in which neither order nor case has a meaning, because each member has a weight (RFC 9110 section 12.4.2). */
const WEIGHTED = new Set(['accept', 'accept-charset', 'accept-encoding', 'accept-language']);
const MAX_MEMBERS = 64;

/** Lower case, sorted. Undefined for `*`, malformed names, or too many. */
export function varyFields(field: string | undefined): readonly string[] | undefined {
  if (field === undefined) return NO_FIELDS;
  const names = field
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const distinct = [...new Set(names)].sort();
  return distinct.length <= MAX_VARY && distinct.every((name) => name !== '*' && NAME.test(name))
    ? distinct
    : undefined;
}
const NO_FIELDS: readonly string[] = [];

/** Two values with the same meaning have the same normal form. `name` in lower case. */
export function normalValue(name: string, value: string | undefined): string {
  if (value === undefined) return '';
  const spaced = spacedBy(value, ',');
  // Media types may have parameters with quoted commas.
  if (!WEIGHTED.has(name) || value.includes('"')) return spaced;
  const members = spaced.toLowerCase().split(',').filter(Boolean);
  if (members.length > MAX_MEMBERS) return spaced;
  return members.map(normalMember).sort().join(',');
}

/** Without the spaces around each separator. Not by `\s*,\s*`, which tries each space of a client's value anew. */
const spacedBy = (value: string, separator: string): string =>
  value
    .split(separator)
    .map((part) => part.trim())
    .join(separator);

/** Without spaces, and without a weight of 1, which is the default. */
function normalMember(member: string): string {
  return spacedBy(member, ';').replace(/;q=1(?:\.0{0,3})?$/, '');
}

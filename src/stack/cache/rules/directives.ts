/**
 * Parses Cache-Control (RFC 9111 section 5.2, RFC 9110 section 5.6): names in any case, quoted values, and the strictest
 * reading of doubled or malformed directives.
 */

/** Directive names in lower case; '' for those without a value. */
export type Directives = ReadonlyMap<string, string>;

/** 2^31 seconds, the largest a cache must understand (RFC 9111 section 1.2.2). */
const MAX_SECONDS = 2_147_483_648;
const DIRECTIVE = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*))?[^,]*/g;
/** When doubled, the smaller value is the stricter. */
const SMALLER_IS_STRICTER = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error']);

const NO_DIRECTIVES: Directives = new Map();

export function parseDirectives(field: string | undefined): Directives {
  if (field === undefined || field.length > 4_096) return NO_DIRECTIVES;
  const directives = new Map<string, string>();
  for (const [, rawName, rawValue = ''] of field.matchAll(DIRECTIVE)) {
    const name = rawName.toLowerCase();
    const value = rawValue.startsWith('"') ? rawValue.slice(1, -1).replaceAll(/\\(.)/g, '$1') : rawValue;
    const before = directives.get(name);
    if (before === undefined) directives.set(name, value);
    else if (SMALLER_IS_STRICTER.has(name) && seconds(value) < seconds(before)) directives.set(name, value);
  }
  return directives;
}

/** Seconds of a delta-seconds value; 0 for any other text: invalid freshness information means stale (section 4.2.1). */
export function seconds(value: string | undefined): number {
  return value !== undefined && /^\d+$/.test(value) ? Math.min(Number(value), MAX_SECONDS) : 0;
}

/** Lower-case names, several fields of one name joined with `, `; Set-Cookie joined too (nothing reads its value). */
export function headerObject(flat: readonly string[]): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i].toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${flat[i + 1]}` : flat[i + 1];
  }
  return headers;
}

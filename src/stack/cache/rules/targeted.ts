/**
 * Targeted cache control (RFC 9213): a field such as `CDN-Cache-Control` that addresses a class of caches. The first field
 * of the cache's target list that is valid and not empty replaces Cache-Control and Expires. Its syntax is a Structured
 * Field dictionary (RFC 9651 section 3.2); a field with a syntax error is ignored as a whole.
 */
import { parseDirectives, type Directives } from './directives.ts';

const MAX_LENGTH = 4_096;
/** One member: a key, optionally with a value, and parameters, which RFC 9213 tells caches to ignore. */
const ITEM =
  '-?[0-9]{1,15}(?![0-9.])|-?[0-9]{1,12}\\.[0-9]{1,3}(?![0-9])|"(?:[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\["\\\\])*"|[A-Za-z*][A-Za-z0-9!#$%&\'*+.^_`|~:/-]*|\\?[01]|:[A-Za-z0-9+/=]*:';
const KEY = '[a-z*][a-z0-9_.*-]*';
const PARAMETERS = `(?:; *${KEY}(?:=(?:${ITEM}))?)*`;
const MEMBER = new RegExp(`(${KEY})(?:=(${ITEM}))?${PARAMETERS}`, 'y');
const COMMA = /[ \t]*,[ \t]*/y;
const SECONDS = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error']);

export interface CachePolicy {
  readonly directives: Directives;
  /** Whether a targeted field replaced Cache-Control, and Expires with it. */
  readonly targeted: boolean;
}

/** `headers` by lower-case name; `targets` are lower-case field names in order of precedence. */
export function cachePolicy(headers: Readonly<Record<string, string>>, targets: readonly string[]): CachePolicy {
  for (const name of targets) {
    const directives = name in headers ? parseTargeted(headers[name]) : undefined;
    if (directives !== undefined) return { directives, targeted: true };
  }
  return { directives: parseDirectives(headers['cache-control']), targeted: false };
}

/** Undefined for an empty field or a syntax error. */
export function parseTargeted(field: string): Directives | undefined {
  if (field.length > MAX_LENGTH) return undefined;
  const text = field.replaceAll(/^ +| +$/g, '');
  if (text === '') return undefined;
  const directives = new Map<string, string>();
  for (let at = 0; ;) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(text);
    if (member === null) return undefined;
    const [whole, name, value = '?1'] = member;
    // A repeated key replaces the earlier one.
    directives.delete(name);
    if (holds(name, value)) directives.set(name, value.startsWith('"') ? value.slice(1, -1) : value.replace('?1', ''));
    at += whole.length;
    if (at === text.length) return directives;
    COMMA.lastIndex = at;
    const comma = COMMA.exec(text);
    if (comma === null) return undefined;
    at += comma[0].length;
  }
}

/** A directive of a wrong type is ignored: a lifetime must be an integer, and `?0` means that a directive is absent. */
function holds(name: string, value: string): boolean {
  return SECONDS.has(name) ? /^[0-9]+$/.test(value) : value !== '?0';
}

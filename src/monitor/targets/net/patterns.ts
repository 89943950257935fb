/** Patterns of checks: RE2 in linear time, compiled once and kept in a bounded cache. */
import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';
import { compileRe2 } from '../../../model/text/regex.ts';

const cache = new LRUCache<string, RE2JS | string>({ max: 500 });

/** The pattern, or the sentence that says why it is none. */
export function patternOf(text: string): RE2JS | string {
  let known = cache.get(text);
  if (known === undefined) cache.set(text, (known = compileRe2(text)));
  return known;
}

/** True when the pattern matches anywhere. A pattern that is none matches nothing: the configuration has refused it before. */
export function found(pattern: string, text: string): boolean {
  const compiled = patternOf(pattern);
  return typeof compiled !== 'string' && compiled.matcher(text).find();
}

/** The groups of the first match, the whole match first; undefined without a match. */
export function groupsOf(pattern: string, text: string): readonly string[] | undefined {
  const compiled = patternOf(pattern);
  if (typeof compiled === 'string') return undefined;
  const matcher = compiled.matcher(text);
  if (!matcher.find()) return undefined;
  return Array.from({ length: matcher.groupCount() + 1 }, (_, at) => matcher.group(at) ?? '');
}

/** Replaces `${1}` and `$1` by the groups of a match, `$$` by a dollar. */
export function expanded(template: string, groups: readonly string[]): string {
  return template.replaceAll(/\$(?:\$|\{(\d{1,2})\}|(\d{1,2}))/g, (whole, braced?: string, bare?: string) =>
    whole === '$$' ? '$' : (groups[Number(braced ?? bare)] ?? ''),
  );
}

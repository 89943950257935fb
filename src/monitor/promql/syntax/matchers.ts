/**
 * Matchers as predicates. Regular expressions mean what RE2 means, match the whole value, and the dot matches newlines
 * (Prometheus compiles `^(?s:…)$`). They run on re2js, so time is linear in the value whatever the pattern; the forms that
 * make up nearly all of practice (`a|b|c`, `pre.*`, `.*post`, `.*mid.*`, `.+`) never reach it.
 */
import { RE2JS } from 're2js';
import { BoundedMap } from '../../../base/bounded.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Matcher } from '../../../model/labels.ts';
import { MAX_REGEX_LENGTH } from './limits.ts';
import { quote } from './quoting.ts';

export type Predicate = (value: string) => boolean;

const CACHE_ENTRIES = 1_000;
const compiled = new BoundedMap<string, Predicate>(CACHE_ENTRIES);
const META = /[\\.+*?()|[\]{}^$]/;
/** Nested counted repeats multiply; RE2 refuses a single one above 1,000, this bounds their product. */
const MAX_REPEAT_PRODUCT = 1_000;

/** A predicate for `pattern`, or the reason why it is no regular expression, in Go's words. */
function compile(pattern: string): Predicate | string {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > MAX_REGEX_LENGTH) return `regular expression is longer than ${MAX_REGEX_LENGTH} characters`;
  const predicate = simplePredicate(pattern) ?? re2Predicate(pattern);
  if (typeof predicate !== 'string') compiled.set(pattern, predicate);
  return predicate;
}

function re2Predicate(pattern: string): Predicate | string {
  if (repeatProduct(pattern) > MAX_REPEAT_PRODUCT) {
    return `error parsing regexp: expression too large: ${quote(pattern)}`;
  }
  try {
    const regex = RE2JS.compile(pattern, RE2JS.DOTALL);
    return (value) => regex.testExact(value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Upper bound of how often the innermost repeat of the pattern unrolls. Escapes and classes are stepped over. */
function repeatProduct(pattern: string): number {
  const bare = pattern.replaceAll(/\\[\s\S]/g, 'e').replaceAll(/\[\^?\]?[^\]]*\]/g, 'c');
  let worst = 1;
  /** Product inside the group that has just closed; a repeat right after it multiplies that. */
  let lastGroup = 1;
  let groupEnd = -1;
  const open: number[] = [];
  let inner = 1;
  for (const found of bare.matchAll(/\(|\)|\{(\d+)(?:,(\d*))?\}/g)) {
    const [part, min, max] = found;
    if (part === '(') {
      open.push(inner);
      inner = 1;
    } else if (part === ')') {
      lastGroup = inner;
      groupEnd = found.index + 1;
      inner = Math.max(open.pop() ?? 1, inner);
    } else {
      const times = Math.max(Number(min), Number(max ?? 0), 1);
      inner = Math.max(inner, groupEnd === found.index ? times * lastGroup : times);
      worst = Math.max(worst, inner);
    }
  }
  return worst;
}

const isLiteral = (text: string): boolean => !META.test(text);

/** The predicate of the common simple forms, undefined for all others. */
function simplePredicate(pattern: string): Predicate | undefined {
  if (pattern === '.*') return () => true;
  if (pattern === '.+') return (value) => value !== '';
  if (isLiteral(pattern)) return (value) => value === pattern;
  const alternatives = /^\((?:\?:)?([^()]*)\)$/.exec(pattern)?.[1] ?? pattern;
  if (alternatives.split('|').every(isLiteral)) {
    const set = new Set(alternatives.split('|'));
    return (value) => set.has(value);
  }
  const [, lead = '', middle, trail = ''] = /^(\.[*+])?([^]*?)(\.[*+])?$/.exec(pattern) ?? [];
  if (middle === undefined || middle === '' || !isLiteral(middle)) return undefined;
  return edgePredicate(lead, middle, trail);
}

function edgePredicate(lead: string, middle: string, trail: string): Predicate {
  const least = middle.length + (lead === '.+' ? 1 : 0) + (trail === '.+' ? 1 : 0);
  if (lead === '') return (value) => value.length >= least && value.startsWith(middle);
  if (trail === '') return (value) => value.length >= least && value.endsWith(middle);
  if (lead === '.*' && trail === '.*') return (value) => value.includes(middle);
  const from = lead === '.+' ? 1 : 0;
  const after = trail === '.+' ? 1 : 0;
  return (value) => {
    const at = value.indexOf(middle, from);
    return at >= 0 && at + middle.length + after <= value.length;
  };
}

/** Why `pattern` cannot be a regular expression, or undefined when it can. */
export function checkRegex(pattern: string): string | undefined {
  const result = compile(pattern);
  return typeof result === 'string' ? result : undefined;
}

/** Throws VitrineError `query_invalid` for a wrong regular expression. */
export function compileRegex(pattern: string): Predicate {
  const result = compile(pattern);
  if (typeof result === 'string') throw new VitrineError('query_invalid', result);
  return result;
}

/** The matcher as a test of a label's value ('' for an absent label). Throws VitrineError `query_invalid`. */
export function compileMatcher({ op, value: wanted }: Matcher): Predicate {
  if (op === '=') return (value) => value === wanted;
  if (op === '!=') return (value) => value !== wanted;
  const matches = compileRegex(wanted);
  return op === '=~' ? matches : (value) => !matches(value);
}

/**
 * Regular expressions of RE2 on re2js, so the time of a match is at most the program's size times the value's length,
 * whatever the pattern. That product is charged to the query before each match. Nearly all patterns in practice have a
 * simple form (`a|b|c`, `pre.*`, `.*post`, `.*mid.*`, `.+`) and need no regular expression. PromQL's matchers, templates
 * and the filter grammar share this engine, its limits and its cache.
 */
import { RE2JS } from 're2js';
import { WeightedMap } from '../../base/bounded.ts';
import { VitrineError } from '../../base/errors.ts';
import type { WorkMeter } from '../ports.ts';
import { quote } from './quoting.ts';
import { regexSize } from './regex-size.ts';

/** UTF-16 units of one regular expression. */
export const MAX_REGEX_LENGTH = 1_000;
/** Instructions that one regular expression may compile to. */
const MAX_REGEX_SIZE = 4_096;
/**
 * Instructions of one regular expression times the length of one value. At the limit a match takes about two seconds in the
 * worst case.
 */
const MAX_MATCH_STEPS = 4_000_000;

export type Predicate = (value: string) => boolean;

/** A compiled regular expression. `size` is 0 for a simple form, whose cost does not depend on the pattern. */
interface Compiled {
  readonly size: number;
  readonly test: Predicate;
}

/** Limit for all compiled patterns together, by the estimate below. */
const CACHE_BYTES = 8 * 1024 * 1024;
/** A measured value: instructions, their analyses and the states that matching adds. */
const BYTES_PER_INSTRUCTION = 1_024;
/**
 * For larger programs, re2js' lazily built automaton costs milliseconds for each new state; its plain simulation does not.
 */
const MAX_AUTOMATON_SIZE = 256;
const compiled = new WeightedMap<string, Compiled>(CACHE_BYTES);
const META = /[\\.+*?()|[\]{}^$]/;

/** The compiled `pattern`, or the reason why it is not a regular expression, with Go's wording. */
function compile(pattern: string, meter: WorkMeter | undefined): Compiled | string {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > MAX_REGEX_LENGTH) return `regular expression is longer than ${MAX_REGEX_LENGTH} characters`;
  const simple = simplePredicate(pattern);
  const made = simple === undefined ? re2Predicate(pattern, meter) : { size: 0, test: simple };
  if (typeof made !== 'string') {
    compiled.set(pattern, made, 2 * pattern.length + 256 + made.size * BYTES_PER_INSTRUCTION);
  }
  return made;
}

function re2Predicate(pattern: string, meter: WorkMeter | undefined): Compiled | string {
  const regex = compileRe2(pattern, RE2JS.DOTALL, meter);
  if (typeof regex === 'string') return regex;
  const size = regex.programSize();
  const test: Predicate =
    size <= MAX_AUTOMATON_SIZE ? (value) => regex.testExact(value) : (value) => regex.matcher(value).matches();
  return { size, test };
}

/** Compiles the pattern within the limits for all patterns, or returns the reason for a refusal with Go's wording. */
export function compileRe2(pattern: string, flags = 0, meter?: WorkMeter): RE2JS | string {
  const size = regexSize(pattern);
  if (size > MAX_REGEX_SIZE) return `error parsing regexp: expression too large: ${quote(pattern)}`;
  meter?.compiling(size);
  try {
    return RE2JS.compile(pattern, flags);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Charges one match to the query. Throws VitrineError `query_failed` when this match alone would take too long. */
export function chargeMatch(size: number, value: string, meter: WorkMeter | undefined): void {
  const steps = size * (value.length + 1);
  if (steps > MAX_MATCH_STEPS) {
    throw new VitrineError(
      'query_failed',
      `matching a regular expression of ${size} instructions against a value of ${value.length} characters would take too long`,
    );
  }
  meter?.matching(steps);
}

const isLiteral = (text: string): boolean => !META.test(text);

/** The predicate of a common simple form; undefined for all other patterns. */
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

/** The reason why `pattern` is not a valid regular expression, or undefined when it is valid. */
export function checkRegex(pattern: string, meter?: WorkMeter): string | undefined {
  const result = compile(pattern, meter);
  return typeof result === 'string' ? result : undefined;
}

/** Each match is charged to `meter`. Throws VitrineError `query_invalid` for an invalid regular expression. */
export function compileRegex(pattern: string, meter?: WorkMeter): Predicate {
  const result = compile(pattern, meter);
  if (typeof result === 'string') throw new VitrineError('query_invalid', result);
  const { size, test } = result;
  if (size === 0) return test;
  return (value) => {
    chargeMatch(size, value, meter);
    return test(value);
  };
}

/** True for the forms that are matched without a regular expression. */
export const isSimplePattern = (pattern: string): boolean =>
  pattern.length <= MAX_REGEX_LENGTH && simplePredicate(pattern) !== undefined;

/**
 * A predicate that is true when the expression matches anywhere in the value. Throws VitrineError `query_invalid` for an
 * invalid regular expression, and the predicate `query_failed` when one match would take too long.
 */
export function compileSearch(pattern: string, meter?: WorkMeter): Predicate {
  if (pattern.length > MAX_REGEX_LENGTH) {
    throw new VitrineError('query_invalid', `regular expression is longer than ${MAX_REGEX_LENGTH} characters`);
  }
  const regex = compileRe2(pattern, RE2JS.DOTALL, meter);
  if (typeof regex === 'string') throw new VitrineError('query_invalid', regex);
  const size = regex.programSize();
  return (value) => {
    chargeMatch(size, value, meter);
    return size <= MAX_AUTOMATON_SIZE ? regex.test(value) : regex.matcher(value).find();
  };
}

/**
 * Whole words and phrases in a text, without regard to case. A text matches where the phrase begins and ends at the edge of a
 * word; an end of the phrase that is no word character needs no edge. In an unquoted word `*` stands for any characters but
 * spaces.
 */
import type { Predicate } from '../../model/text/regex.ts';
import { filterWordsOf, isWordChar } from '../../model/text/words.ts';

/** Only ASCII before `at`: the usual case, decided without a regular expression. */
const ASCII_WORD = /[a-z0-9_]/;

function isWordBefore(text: string, at: number): boolean {
  if (at === 0) return false;
  const unit = text[at - 1];
  if (unit < '\u0080') return ASCII_WORD.test(unit);
  return isWordChar(String.fromCodePoint(text.codePointAt(isLowSurrogate(unit) ? at - 2 : at - 1) ?? 0));
}

function isWordAt(text: string, at: number): boolean {
  if (at >= text.length) return false;
  const unit = text[at];
  return unit < '\u0080' ? ASCII_WORD.test(unit) : isWordChar(String.fromCodePoint(text.codePointAt(at) ?? 0));
}

const isLowSurrogate = (unit: string): boolean => unit >= '\udc00' && unit <= '\udfff';

/** The words that a matching text contains for certain, for a word filter. */
export function certainWords(text: string, quoted: boolean): string[] {
  if (quoted || !text.includes('*')) return filterWordsOf(text);
  // A word beside a wildcard may be a part of a longer word.
  const whole = text.toLowerCase().replace(/[\p{L}\p{M}\p{N}_*]+/gu, (run) => (run.includes('*') ? ' ' : run));
  return filterWordsOf(whole);
}

export function textPredicate(text: string, quoted: boolean): Predicate {
  const parts = (quoted ? [text] : text.split(/\*+/)).map((part) => part.toLowerCase());
  const first = parts[0];
  const last = parts[parts.length - 1];
  const edges = { begin: first !== '' && isWordAt(first, 0), end: last !== '' && isWordBefore(last, last.length) };
  return parts.length === 1
    ? (value) => hasPhrase(value.toLowerCase(), first, edges)
    : (value) => hasPattern(value.toLowerCase(), parts, edges);
}

interface Edges {
  readonly begin: boolean;
  readonly end: boolean;
}

function hasPhrase(text: string, phrase: string, { begin, end }: Edges): boolean {
  for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1)) {
    if ((!begin || !isWordBefore(text, at)) && (!end || !isWordAt(text, at + phrase.length))) return true;
  }
  return false;
}

/** Each run of characters without a space is tried by itself, because wildcards do not cross spaces. */
function hasPattern(text: string, parts: readonly string[], edges: Edges): boolean {
  return text.split(/\s+/u).some((run) => runHasPattern(run, parts, edges));
}

/**
 * The first part may begin at several places, the last end at several; the parts between them are taken at their first place.
 * The earliest begin leaves the most room for the rest, and the latest end too, so no other choice can succeed.
 */
function runHasPattern(run: string, parts: readonly string[], { begin, end }: Edges): boolean {
  let at = run.indexOf(parts[0]);
  if (begin) while (at >= 0 && isWordBefore(run, at)) at = run.indexOf(parts[0], at + 1);
  if (at < 0) return false;
  at += parts[0].length;
  for (const part of parts.slice(1, -1)) {
    const found = run.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts[parts.length - 1];
  for (let from = run.indexOf(last, at); from >= 0; from = run.indexOf(last, from + 1)) {
    if (!end || !isWordAt(run, from + last.length)) return true;
  }
  return false;
}

/** The whole value with `*` for any characters; `folded` without regard to case. */
export function wildcardPredicate(pattern: string, folded: boolean): Predicate {
  const parts = pattern.split(/\*+/).map((part) => (folded ? part.toLowerCase() : part));
  const first = parts[0];
  const last = parts[parts.length - 1];
  const least = first.length + last.length;
  return (given) => {
    const value = folded ? given.toLowerCase() : given;
    if (value.length < least || !value.startsWith(first) || !value.endsWith(last)) return false;
    let at = first.length;
    for (const part of parts.slice(1, -1)) {
      const found = value.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= value.length - last.length;
  };
}

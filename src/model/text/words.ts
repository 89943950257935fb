/**
 * Words and ids of a text, as the search and the store's filters both read them. A word is a longest run of letters, marks,
 * digits and underscores, compared in lower case. An id is 16 or more hexadecimal digits, a UUID or a ULID.
 *
 * A word filter keeps only words without digits: ids and numbers would be nearly all of its content, and no one looks for
 * half of an id. `filterWordsOf` says which words a record brings into a filter, and a search asks the filter for a word only
 * when `isFilterWord` holds; so skipping a batch never loses a match.
 */

const WORDS = /[\p{L}\p{M}\p{N}_]+/gu;
const HAS_DIGIT = /\p{N}/u;
const ID_SOURCE =
  '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|[0-7][0-9a-hjkmnp-tv-z]{25}';
const ID = new RegExp(`^(?:${ID_SOURCE})$`, 'i');
/** An id in a text stands alone: no letter, digit or underscore touches it. */
const IDS = new RegExp(`(?<![\\p{L}\\p{M}\\p{N}_])(?:${ID_SOURCE})(?![\\p{L}\\p{M}\\p{N}_])`, 'giu');
/** Longer words are noise, such as base64. */
const MAX_FILTER_WORD = 64;

/** True for a letter, mark, digit or underscore; `char` is one code point. */
export function isWordChar(char: string): boolean {
  return /^[\p{L}\p{M}\p{N}_]$/u.test(char);
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORDS) ?? [];
}

export function isFilterWord(word: string): boolean {
  return word.length <= MAX_FILTER_WORD && !HAS_DIGIT.test(word);
}

/** The words that a text brings into a word filter, in lower case, repeated as the text repeats them. */
export function filterWordsOf(text: string): string[] {
  return wordsOf(text).filter(isFilterWord);
}

export function isId(text: string): boolean {
  return ID.test(text);
}

/** The form in which ids are compared: lower case, and a UUID as its plain digits. */
export function canonicalId(id: string): string {
  const lower = id.toLowerCase();
  return lower.length === 36 ? lower.replaceAll('-', '') : lower;
}

/** The ids that stand in a text, in canonical form. */
export function idsOf(text: string): string[] {
  return (text.match(IDS) ?? []).map(canonicalId);
}

/**
 * Terms of the filter grammar as text: what a click on a value adds to a filter, and takes out again. Filters that join
 * terms with `or` are put in parentheses first, so that a click always narrows. Pure.
 */

const WORDS = new Set(['or', 'and', 'not']);

/** Values that need no quotes: words and whole numbers. All others are quoted, so that no sign in them means anything. */
const isPlain = (text: string): boolean =>
  /^(?:[A-Za-z_][\w-]*|\d{1,15})$/.test(text) && !WORDS.has(text.toLowerCase()) && !text.startsWith('now-');

const quotedText = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const nameText = (name: string): string =>
  /^[\p{L}\p{N}_@.][\p{L}\p{N}_@./-]*$/u.test(name) ? name : quotedText(name);

const valueText = (value: string): string => (isPlain(value) ? value : quotedText(value));

/** `field:value`; a record without the field is `-field:*`. */
export const termOf = (field: string, value: string): string =>
  value === '' ? `-${nameText(field)}:*` : `${nameText(field)}:${valueText(value)}`;

/** A text that is looked for as it is. */
export const phrase = (text: string): string => quotedText(text);

/** The parts of `filter` between spaces that are in no quotes and no parentheses. */
export function termsIn(filter: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < filter.length; at += 1) {
    const char = filter[at];
    if (isQuoted && char === '\\') {
      part += char + (filter[at + 1] ?? '');
      at += 1;
      continue;
    }
    if (char === '"') isQuoted = !isQuoted;
    if (!isQuoted && char === '(') depth += 1;
    if (!isQuoted && char === ')') depth -= 1;
    if (/\s/.test(char) && !isQuoted && depth === 0) {
      if (part !== '') parts.push(part);
      part = '';
    } else part += char;
  }
  return part === '' ? parts : [...parts, part];
}

const isJoined = (parts: readonly string[]): boolean => parts.some((part) => WORDS.has(part.toLowerCase()));

/** `filter` narrowed to the records that `term` matches too. */
export function withTerm(filter: string, term: string): string {
  const parts = termsIn(filter);
  if (parts.includes(term) && !isJoined(parts)) return parts.join(' ');
  const kept = isJoined(parts) ? `(${parts.join(' ')})` : parts.join(' ');
  return kept === '' ? term : `${kept} ${term}`;
}

export const hasTerm = (filter: string, term: string): boolean => {
  const parts = termsIn(filter);
  return !isJoined(parts) && parts.includes(term);
};

/** Adds `term`, or takes it out when it is there. */
export const toggled = (filter: string, term: string): string =>
  hasTerm(filter, term)
    ? termsIn(filter)
        .filter((part) => part !== term)
        .join(' ')
    : withTerm(filter, term);

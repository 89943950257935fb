/**
 * Names of series come from outside: markup, controls, invisible and right-to-left characters, thousands of characters.
 * Markup is harmless in text nodes; this makes the rest visible, so that two names that look alike are not mistaken and
 * none turns its neighbours around. Pure.
 */

/** Controls (C0, C1), marks and overrides of direction, zero-width and other invisible characters, line separators. */
const HIDDEN =
  // eslint-disable-next-line no-control-regex -- these are the characters that must not reach the screen
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;
const LONE = /\p{Surrogate}/gu;
const SHOWN_LENGTH = 160;

const escaped = (character: string): string =>
  `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;

/** The name with every hidden character written as `\u{…}`; `(empty)` for a name of nothing but blanks. */
export function visible(name: string): string {
  const text = name.replace(HIDDEN, escaped).replace(LONE, escaped);
  return text.trim() === '' ? '(empty)' : text;
}

/** `visible`, and shortened in the middle, because series often differ at the end. */
export function shortName(name: string, length = SHOWN_LENGTH): string {
  const text = visible(name);
  const characters = [...text];
  if (characters.length <= length) return text;
  const half = Math.floor((length - 1) / 2);
  return `${characters.slice(0, half).join('')}…${characters.slice(-half).join('')}`;
}

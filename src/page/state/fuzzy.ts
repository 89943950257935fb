/**
 * Finds a text by the letters of another, in order but not side by side: `gpi` finds `GET /payments/:id`. Letters at the
 * start of a word and letters in a row count more, long texts less. Pure; linear in the length of the text.
 */

const START = 8;
const ROW = 5;
const MOST_LETTERS = 64;
/** A text longer than this is compared by its start: names may have 4 kB. */
const MOST_TEXT = 256;

const isStart = (text: string, at: number): boolean => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);

/** How well `text` fits; undefined when it does not. Higher is better. */
export function fuzzyScore(text: string, letters: string): number | undefined {
  const wanted = letters.toLowerCase().replaceAll(/\s+/g, '').slice(0, MOST_LETTERS);
  if (wanted === '') return 0;
  const within = text.slice(0, MOST_TEXT).toLowerCase();
  const whole = within.indexOf(letters.trim().toLowerCase());
  if (whole >= 0) return 1_000 + (isStart(within, whole) ? 200 : 0) - within.length / 4 - whole / 8;
  let score = 0;
  let last = -1;
  for (const letter of wanted) {
    const at = within.indexOf(letter, last + 1);
    if (at < 0) return undefined;
    score += 1 + (isStart(within, at) ? START : 0) + (at === last + 1 ? ROW : 0);
    last = at;
  }
  return score - within.length / 16;
}

/** The best `most` of `items`, best first; of equals the earlier one. */
export function bestOf<T>(items: readonly T[], textOf: (item: T) => string, letters: string, most: number): T[] {
  const found: { item: T; score: number; at: number }[] = [];
  for (const [at, item] of items.entries()) {
    const score = fuzzyScore(textOf(item), letters);
    if (score !== undefined) found.push({ item, score, at });
  }
  found.sort((a, b) => b.score - a.score || a.at - b.at);
  return found.slice(0, most).map(({ item }) => item);
}

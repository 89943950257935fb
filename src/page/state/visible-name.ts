/**
 * Names come from anywhere: they may be blank, hold control characters, or turn the direction of the text around them.
 * Each character that cannot be seen is written as its code; a name without any is said to be blank. Pure.
 */

const MOST = 160;

/** Control and format characters, separators but for the space, private use, and halves of pairs. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u115F\u1160\u3164\uFFA0]/gu;
/** Within an emoji a joiner is part of the picture. */
const JOINED = /(?<=[\p{Extended_Pictographic}\uFE0F\p{Emoji_Modifier}])\u200D(?=\p{Extended_Pictographic})/gu;
const KEPT = '\uE000';
/** A letter may carry any number of marks, which then cover the lines above and below. */
const PILED = /(\p{M}{3})\p{M}+/gu;

const codeOf = (char: string): string => {
  const code = char.codePointAt(0) ?? 0;
  if (char === '\n') return '⏎';
  if (char === '\t') return '⇥';
  return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
};

export interface VisibleName {
  readonly text: string;
  /** The whole name when `text` is shortened. */
  readonly whole: string | undefined;
  readonly blank: boolean;
}

export function visibleText(name: string): string {
  const guarded = name.replaceAll(KEPT, '⟨E000⟩').replaceAll(JOINED, KEPT);
  return guarded.replaceAll(PILED, '$1⟨…⟩').replaceAll(HIDDEN, (char) => (char === KEPT ? '\u200D' : codeOf(char)));
}

export function visibleName(name: string, most = MOST): VisibleName {
  if (name.trim() === '') return { text: name === '' ? '(no name)' : '(blank)', whole: undefined, blank: true };
  const text = visibleText(name);
  if (text.length <= most) return { text, whole: undefined, blank: false };
  const letters: string[] = [];
  for (const { segment } of new Intl.Segmenter('en').segment(text)) {
    letters.push(segment);
    if (letters.length === most) break;
  }
  return { text: `${letters.join('')}…`, whole: text, blank: false };
}

/**
 * PromQL as tokens, for colours and completion in the editor. The server's parser decides what is correct; this only has to
 * agree with it on where names, texts, durations and brackets begin and end. Pure.
 */

export type TokenKind =
  | 'space'
  | 'comment'
  | 'string'
  | 'duration'
  | 'number'
  | 'function'
  | 'keyword'
  | 'name'
  | 'operator';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
}

export const KEYWORDS = [
  'and',
  'or',
  'unless',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'offset',
  'atan2',
] as const;
const WORDS: ReadonlySet<string> = new Set(KEYWORDS);

const PATTERNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /#[^\n]*/y],
  // A text that is not closed ends with the line, so that the rest keeps its colours.
  ['string', /"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?|`[^`]*`?/y],
  ['duration', /(?:\d+(?:ms|[smhdwy]))+\b|\$__\w+/y],
  ['number', /0x[0-9a-f]+|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+/iy],
  ['name', /[a-zA-Z_:][\w:]*/y],
  ['operator', /[\s\S]/y],
];

/** A name before an opening bracket is called, unless it is a word of the language. */
function kindOf(kind: TokenKind, word: string, rest: string): TokenKind {
  if (kind !== 'name') return kind;
  if (WORDS.has(word)) return 'keyword';
  return /^\s*(?:\(|(?:by|without)\b)/.test(rest) ? 'function' : 'name';
}

/** How far ahead a bracket is looked for. */
const AHEAD = 40;

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  while (start < text.length) {
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = start;
      const [found = ''] = pattern.exec(text) ?? [];
      if (found === '') continue;
      const end = start + found.length;
      tokens.push({ kind: kindOf(kind, found, text.slice(end, end + AHEAD)), text: found, start });
      start += found.length;
      break;
    }
  }
  return tokens;
}

/** The place that an error of the server names (`1:5: parse error: …`), as offsets of the text; undefined when it names none. */
export function errorSpan(text: string, message: string): { readonly from: number; readonly to: number } | undefined {
  const found = /(?:^|\s)(\d+):(\d+): /.exec(message);
  if (found === null) return undefined;
  const lines = text.split('\n');
  const line = Math.min(Number(found[1]), lines.length) - 1;
  let from = Math.min(Number(found[2]) - 1, lines[line].length);
  for (const before of lines.slice(0, line)) from += before.length + 1;
  const token = tokensOf(text).find(({ start, text: word }) => from >= start && from < start + word.length);
  // At the end of the text the last character is marked, because there is nothing else to underline.
  if (token === undefined) return { from: Math.max(0, Math.min(from, text.length - 1)), to: text.length };
  return { from: token.start, to: token.start + token.text.length };
}

/** The message without its position and the words that every message has. */
export const plainError = (message: string): string =>
  message.replace(/^invalid parameter "query": /, '').replace(/^\d+:\d+: (?:parse error: )?/, '');

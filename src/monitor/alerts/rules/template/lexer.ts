/** Go text/template → pieces: text between actions, and the tokens of each action. `{{-` and `-}}` trim white space. */
import { unquote } from '../../../../model/text/quoting.ts';
import type { Literal } from './tree.ts';
import { TemplateError } from './tree.ts';

export type Token =
  | { readonly kind: 'literal'; readonly value: Literal; readonly text: string }
  | { readonly kind: 'word' | 'variable' | 'field' | 'symbol'; readonly text: string }
  /** White space separates arguments from field chains: `.A .B` is not `.A.B`. */
  | { readonly kind: 'space'; readonly text: string };

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly tokens: readonly Token[]; readonly line: number };

const PATTERNS: readonly (readonly [kind: Token['kind'] | 'string' | 'number' | 'char', pattern: RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['string', /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\[^\n]+?)'/y],
  ['number', /[+-]?(?:0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)/y],
  ['variable', /\$[\p{L}_0-9]*/uy],
  ['field', /\.[\p{L}_][\p{L}_0-9]*/uy],
  ['word', /[\p{L}_][\p{L}_0-9]*/uy],
  ['symbol', /:=|[=|(),.]/y],
];

function literal(kind: 'string' | 'number' | 'char', text: string): Literal | undefined {
  if (kind === 'number') {
    const digits = text.replaceAll('_', '').replace(/^\+/, '');
    if (/^-?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(digits)) {
      return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
    }
    return Number(digits);
  }
  const value = unquote(text);
  if (value === undefined || kind === 'string') return value;
  const points = Array.from(value, (char) => char.codePointAt(0) as number);
  return points.length === 1 ? BigInt(points[0]) : undefined;
}

function readToken(source: string, at: number): Token | undefined {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) continue;
    if (kind !== 'string' && kind !== 'number' && kind !== 'char') return { kind, text } as Token;
    const value = literal(kind, text);
    return value === undefined ? undefined : { kind: 'literal', value, text };
  }
  return undefined;
}

/** Reads to `}}`; returns the tokens and the position where the text continues. */
function readAction(source: string, start: number, line: number): { tokens: Token[]; end: number; trim: boolean } {
  const tokens: Token[] = [];
  for (let at = start; at < source.length;) {
    const close = /(\s-)?\}\}/y;
    close.lastIndex = at;
    const end = close.exec(source);
    if (end !== null) return { tokens, end: at + end[0].length, trim: end[1] !== undefined };
    const token = readToken(source, at);
    if (token === undefined)
      throw new TemplateError(`line ${line}: unexpected ${JSON.stringify(source[at])} in command`);
    tokens.push(token);
    at += token.text.length;
  }
  throw new TemplateError(`line ${line}: unclosed action`);
}

/** Throws TemplateError. */
export function splitTemplate(source: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    let text = source.slice(at, open < 0 ? undefined : open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      if (text !== '') pieces.push({ kind: 'text', text });
      return pieces;
    }
    const line = source.slice(0, open).split('\n').length;
    const trimBefore = /^-\s/.test(source.slice(open + 2, open + 4));
    if (trimBefore) text = text.trimEnd();
    if (text !== '') pieces.push({ kind: 'text', text });
    const start = open + (trimBefore ? 3 : 2);
    const comment = /^\s*\/\*[^]*?\*\/(\s*-)?\s*\}\}/.exec(source.slice(start));
    if (comment !== null) {
      at = start + comment[0].length;
      trimNext = comment[1] !== undefined;
      continue;
    }
    const action = readAction(source, start, line);
    pieces.push({ kind: 'action', tokens: action.tokens, line });
    at = action.end;
    trimNext = action.trim;
  }
}

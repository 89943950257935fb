/**
 * Text → tokens, as in Prometheus' lexer. Words are one kind: `sum`, `by` or `start` may be a keyword, a metric or a label,
 * depending on its place, and only the parser knows the place. Numbers and durations are two kinds, but each is allowed
 * where the other is. A mistake becomes an `error` token, so that the parser reports mistakes before it first.
 */
import { quote } from '../../../model/text/quoting.ts';

export type TokenKind = 'end' | 'error' | 'word' | 'metric_word' | 'number' | 'duration' | 'string' | 'op' | 'punct';

export interface Token {
  readonly kind: TokenKind;
  /** The token as written; for `error`, the message. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /(?:[ \t\n\r]|#[^\n\r]*)+/y;
const WORD = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const PLAIN_WORD = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const HEX = /0[xX]_?[0-9a-fA-F][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9]+)?/y;
const DECIMAL = /(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?/y;
const DURATION = /(?:[0-9]+(?:ms|[smhdwy]))+/y;
const BAD_NUMBER = /[0-9._]*(?:(?:ms|[smhdwy])[0-9]*)*[a-zA-Z0-9_]?/y;
const OPERATOR = /<\/|>\/|==|!=|<=|>=|[-+*/%^<>]/y;
const BRACE_OPERATOR = /=~|!~|!=|=/y;
const STRINGS: Readonly<Record<string, RegExp>> = {
  '"': /"(?:[^"\\\n]|\\[^\n])*"/y,
  "'": /'(?:[^'\\\n]|\\[^\n])*'/y,
  '`': /`[^`]*`/y,
};

const isAlphaNumeric = (char: string | undefined): boolean => char !== undefined && /[a-zA-Z0-9_]/.test(char);
const goChar = (char: string): string => (char === "'" ? String.raw`'\''` : `'${char}'`);

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #parens = 0;
  #inBraces = false;
  #inBrackets = false;
  #colonSeen = false;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Token[] {
    while (this.#next());
    return this.#tokens;
  }

  #emit(kind: TokenKind, text: string): true {
    this.#tokens.push({ kind, text, start: this.#at, end: this.#at + text.length });
    this.#at += text.length;
    return true;
  }

  #fail(message: string): false {
    this.#tokens.push({ kind: 'error', text: message, start: this.#at, end: this.#text.length });
    return false;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  /** Reads one token. Returns false at the end of the text and after a mistake. */
  #next(): boolean {
    this.#at += this.#match(SPACE)?.length ?? 0;
    if (this.#at >= this.#text.length) return this.#end();
    if (this.#inBraces) return this.#insideBraces();
    const char = this.#text[this.#at];
    if (char in STRINGS) return this.#string(char);
    if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(this.#text[this.#at + 1] ?? ''))) return this.#number();
    const word = this.#match(this.#inBrackets ? PLAIN_WORD : WORD);
    if (word !== undefined) return this.#emit(word.includes(':') ? 'metric_word' : 'word', word);
    const operator = this.#match(OPERATOR);
    if (operator !== undefined) return this.#emit('op', operator);
    return this.#punctuation(char);
  }

  #end(): false {
    if (this.#inBraces) return this.#fail('unexpected end of input inside braces');
    if (this.#inBrackets) return this.#fail('unexpected end of input in duration expression');
    if (this.#parens > 0) return this.#fail('unclosed left parenthesis');
    this.#emit('end', '');
    return false;
  }

  #punctuation(char: string): boolean {
    switch (char) {
      case '(':
        this.#parens += 1;
        return this.#emit('punct', char);
      case ')':
        if (this.#parens === 0) return this.#fail("unexpected right parenthesis ')'");
        this.#parens -= 1;
        return this.#emit('punct', char);
      case '{':
        if (this.#inBrackets) break;
        this.#inBraces = true;
        return this.#emit('punct', char);
      case '[':
        if (this.#inBrackets) return this.#fail("unexpected left bracket '['");
        this.#inBrackets = true;
        this.#colonSeen = false;
        return this.#emit('punct', char);
      case ']':
        if (!this.#inBrackets) return this.#fail("unexpected right bracket ']'");
        this.#inBrackets = false;
        return this.#emit('punct', char);
      case ':':
        if (this.#colonSeen) return this.#fail("unexpected colon ':'");
        this.#colonSeen = true;
        return this.#emit('punct', char);
      case ',':
      case '@':
      case '=':
        return this.#emit('punct', char);
      default:
    }
    return this.#unexpected(char);
  }

  #unexpected(char: string): false {
    const shown = goChar(String.fromCodePoint(this.#text.codePointAt(this.#at) ?? char.charCodeAt(0)));
    if (this.#inBrackets) return this.#fail(`unexpected character in duration expression: ${shown}`);
    if (char === '!') {
      const next = this.#text[this.#at + 1];
      return this.#fail(`unexpected character after '!': ${next === undefined ? 'end of input' : goChar(next)}`);
    }
    return this.#fail(`unexpected character: ${shown}`);
  }

  #insideBraces(): boolean {
    const char = this.#text[this.#at];
    if (char in STRINGS) return this.#string(char);
    const word = this.#match(PLAIN_WORD);
    if (word !== undefined) return this.#emit('word', word);
    const operator = this.#match(BRACE_OPERATOR);
    if (operator !== undefined) return this.#emit('op', operator);
    if (char === ',') return this.#emit('punct', char);
    if (char === '}') {
      this.#inBraces = false;
      return this.#emit('punct', char);
    }
    const code = this.#text.codePointAt(this.#at) as number;
    return this.#fail(`unexpected character inside braces: ${goChar(String.fromCodePoint(code))}`);
  }

  #string(char: string): boolean {
    const found = this.#match(STRINGS[char]);
    if (found !== undefined) return this.#emit('string', found);
    return this.#fail(char === '`' ? 'unterminated raw string' : 'unterminated quoted string');
  }

  #number(): boolean {
    const duration = this.#match(DURATION);
    if (duration !== undefined && !isAlphaNumeric(this.#text[this.#at + duration.length])) {
      return this.#emit('duration', duration);
    }
    const number = this.#match(HEX) ?? this.#match(DECIMAL);
    if (number !== undefined && !isAlphaNumeric(this.#text[this.#at + number.length])) {
      return this.#emit('number', number);
    }
    return this.#fail(`bad number or duration syntax: ${quote(this.#match(BAD_NUMBER) ?? '')}`);
  }
}

/** All tokens. The last is of the kind `end` or `error`. */
export function tokenize(text: string): Token[] {
  return new Lexer(text).run();
}

/**
 * The parser's current position among the tokens, and its errors with Prometheus' wording ("unexpected <op:+> in …, expected
 * …").
 */
import type { WorkMeter } from '../../../model/ports.ts';
import type { VitrineError } from '../../../base/errors.ts';
import { AGGREGATORS, KEYWORDS, NUMBER_WORDS, WORD_OPERATORS } from './keywords.ts';
import type { Position } from './ast.ts';
import { MAX_DEPTH } from './limits.ts';
import type { Token } from './lexer.ts';
import { tokenize } from './lexer.ts';
import { parseError } from './position.ts';
import { quote } from '../../../model/text/quoting.ts';

/** The token with the name that Prometheus gives it in errors. */
function describe(token: Token): string {
  const { kind, text } = token;
  const lower = text.toLowerCase();
  switch (kind) {
    case 'end':
      return 'end of input';
    case 'op':
      return text === '=' || text === '=~' || text === '!~' ? quote(text) : `<op:${text}>`;
    case 'word':
      if (AGGREGATORS.has(lower)) return `<aggr:${text}>`;
      if (WORD_OPERATORS.has(lower)) return `<op:${text}>`;
      if (KEYWORDS.has(lower)) return `<${text}>`;
      return NUMBER_WORDS.has(lower) ? `number ${quote(text)}` : `identifier ${quote(text)}`;
    case 'metric_word':
      return `metric identifier ${quote(text)}`;
    case 'punct':
      return quote(text);
    default:
      return `${kind} ${text.length > 10 ? `${quote(text.slice(0, 10))}...` : quote(text)}`;
  }
}

export class Cursor {
  readonly text: string;
  /** Counts the patterns that are compiled. */
  readonly meter: WorkMeter | undefined;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, meter?: WorkMeter) {
    this.text = text;
    this.meter = meter;
    this.#tokens = tokenize(text);
  }

  get current(): Token {
    return this.#tokens[this.#at];
  }

  /** The token after the current one; the last token is followed by itself. */
  get following(): Token {
    return this.#tokens[Math.min(this.#at + 1, this.#tokens.length - 1)];
  }

  /** End of the token before the current one. */
  get lastEnd(): number {
    return this.#at === 0 ? 0 : this.#tokens[this.#at - 1].end;
  }

  atEnd(): boolean {
    return this.current.kind === 'end';
  }

  take(): Token {
    const token = this.current;
    if (token.kind !== 'end' && token.kind !== 'error') this.#at += 1;
    return token;
  }

  isPunct(text: string, token: Token = this.current): boolean {
    return token.kind === 'punct' && token.text === text;
  }

  isOp(text: string): boolean {
    return this.current.kind === 'op' && this.current.text === text;
  }

  /** True for this keyword in upper or lower case. */
  isWord(text: string, token: Token = this.current): boolean {
    return token.kind === 'word' && token.text.length === text.length && token.text.toLowerCase() === text;
  }

  expectPunct(text: string, context: string, expected = `"${text}"`): Token {
    if (!this.isPunct(text)) throw this.unexpected(context, expected);
    return this.take();
  }

  /** The error for a token that is not allowed here. A token that could not be read has a message of its own. */
  unexpected(context = '', expected = ''): VitrineError {
    const token = this.current;
    if (token.kind === 'error') return this.fail(token, token.text);
    const where = context === '' ? '' : ` in ${context}`;
    return this.fail(token, `unexpected ${describe(token)}${where}${expected === '' ? '' : `, expected ${expected}`}`);
  }

  fail(pos: Position, message: string): VitrineError {
    return parseError(this.text, pos, message);
  }

  /** Runs `parse` one level deeper. Too many levels are a query error instead of a stack overflow. */
  nested<T>(parse: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.fail(this.current, `nested too deeply, the limit is ${MAX_DEPTH} levels`);
    const result = parse();
    this.#depth -= 1;
    return result;
  }
}

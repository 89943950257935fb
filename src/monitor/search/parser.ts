/**
 * Text to syntax tree: a recursive descent over the characters, because what a character means depends on its place (`-`
 * negates only at the beginning of a term, and `(` belongs to a value that has begun).
 *
 *     or    = and { "or" and }            and = unary { ["and"] unary }
 *     unary = "not" unary | "-" term | term
 *     term  = "(" or ")" | text | name ":" value
 *     value = text | ">" text | ">=" text | "<" text | "<=" text | "~" quoted | "(" value { "or" value } ")"
 *
 * A quoted text knows two escapes, `\"` and `\\`; any other backslash stands for itself, so that regular expressions can be
 * written as they are. Nothing is guessed: a text that has no reading is refused with its position.
 */
import { isSpace, TextReader } from './text-reader.ts';
import type { CompareOp, Syntax, ValueSyntax } from './syntax.ts';
import { filterError, MAX_FILTER_DEPTH, MAX_FILTER_LENGTH, MAX_TERMS } from './syntax.ts';

const KEYWORDS = new Set(['and', 'or', 'not']);
const FOREIGN_OPERATORS = ['!=', '!~', '==', '=~', '='];

/** @throws VitrineError `query_invalid` */
export function parseFilter(text: string): Syntax {
  if (text.length > MAX_FILTER_LENGTH) {
    throw filterError(
      MAX_FILTER_LENGTH,
      `the filter is longer than ${MAX_FILTER_LENGTH} characters`,
      'Use fewer conditions.',
    );
  }
  return new Parser(text).parse();
}

class Parser {
  readonly #in: TextReader;
  #depth = 0;
  #terms = 0;

  constructor(text: string) {
    this.#in = new TextReader(text);
  }

  parse(): Syntax {
    this.#in.skipSpace();
    if (this.#in.atEnd) return { kind: 'all' };
    const tree = this.#or();
    if (!this.#in.atEnd) {
      throw filterError(this.#in.at, 'this `)` closes no `(`', 'Remove it, or quote the text that contains it.');
    }
    return tree;
  }

  #or(): Syntax {
    const parts = [this.#and()];
    while (this.#takeKeyword('or')) parts.push(this.#and());
    return parts.length === 1 ? parts[0] : { kind: 'or', parts };
  }

  #and(): Syntax {
    const parts = [this.#unary()];
    for (;;) {
      const explicit = this.#takeKeyword('and');
      if (!explicit && (this.#in.atEnd || this.#in.char === ')' || this.#in.keyword(KEYWORDS) === 'or')) break;
      parts.push(this.#unary());
    }
    return parts.length === 1 ? parts[0] : { kind: 'and', parts };
  }

  #unary(): Syntax {
    this.#depth += 1;
    if (this.#depth > MAX_FILTER_DEPTH) {
      throw filterError(this.#in.at, `more than ${MAX_FILTER_DEPTH} levels of nesting`, 'Use fewer parentheses.');
    }
    const found = this.#negatedOrTerm();
    this.#depth -= 1;
    return found;
  }

  #negatedOrTerm(): Syntax {
    const { at } = this.#in;
    const keyword = this.#in.keyword(KEYWORDS);
    if (keyword === 'not') {
      this.#takeKeyword('not');
      return { kind: 'not', part: this.#unary() };
    }
    if (keyword !== undefined) {
      throw filterError(at, `\`${keyword}\` has nothing on one side`, `Quote it ("${keyword}") to look for the word.`);
    }
    if (this.#in.char !== '-') return this.#term();
    this.#in.skip(1);
    const next = this.#in.char;
    if (next === undefined || isSpace(next) || next === '-' || next === ')') {
      throw filterError(
        at,
        'a `-` at the beginning of a term must be followed by the term that it negates',
        'Quote a text that begins with `-`.',
      );
    }
    return { kind: 'not', part: this.#term() };
  }

  #term(): Syntax {
    const { at } = this.#in;
    const { char } = this.#in;
    if (char === undefined)
      throw filterError(at, 'a condition is missing at the end', 'Add one, or remove the last word.');
    if (char === ')') throw filterError(at, 'a condition is missing before this `)`', 'Remove the empty parentheses.');
    this.#terms += 1;
    if (this.#terms > MAX_TERMS) throw filterError(at, `more than ${MAX_TERMS} conditions`, 'Use fewer conditions.');
    if (char === '(') return this.#group();
    if (char === '"') return this.#quotedTerm(at);
    const text = this.#in.takeUntilColon();
    if (this.#in.char !== ':') {
      this.#in.skipSpace();
      return { kind: 'text', text, quoted: false, at };
    }
    if (text === '')
      throw filterError(at, 'the name of a field is missing before `:`', 'Write field:value, or quote the text.');
    return this.#field(text, at);
  }

  #group(): Syntax {
    const { at } = this.#in;
    this.#in.skip(1);
    this.#in.skipSpace();
    const inner = this.#or();
    if (this.#in.char !== ')') throw filterError(at, 'this `(` is not closed', 'Add a `)`.');
    this.#in.skip(1);
    this.#in.skipSpace();
    return inner;
  }

  #quotedTerm(at: number): Syntax {
    const text = this.#in.takeQuoted();
    if (this.#in.char === ':') {
      if (text === '') throw filterError(at, 'the name of a field is empty', 'Write the name between the quotes.');
      return this.#field(text, at);
    }
    this.#in.endOfTerm();
    if (text === '') throw filterError(at, 'an empty phrase', 'Write a text between the quotes.');
    return { kind: 'text', text, quoted: true, at };
  }

  #field(name: string, at: number): Syntax {
    this.#in.skip(1);
    const value = this.#in.char === '(' ? this.#list(name) : this.#value(name);
    this.#in.endOfTerm();
    return { kind: 'field', name, value, at };
  }

  #list(name: string): ValueSyntax {
    const { at } = this.#in;
    this.#in.skip(1);
    const values: ValueSyntax[] = [];
    do {
      this.#in.skipSpace();
      const keyword = this.#in.keyword(KEYWORDS);
      if (keyword !== undefined) {
        throw filterError(
          this.#in.at,
          `\`${keyword}\` stands where a value is expected`,
          `Quote it ("${keyword}") to look for the word.`,
        );
      }
      values.push(this.#value(name));
      this.#terms += 1;
      if (this.#terms > MAX_TERMS) throw filterError(at, `more than ${MAX_TERMS} conditions`, 'Use fewer values.');
      this.#in.skipSpace();
    } while (this.#takeKeyword('or'));
    if (this.#in.char !== ')') {
      const fact = this.#in.atEnd ? 'this `(` is not closed' : 'values in parentheses must be joined by `or`';
      throw filterError(this.#in.atEnd ? at : this.#in.at, fact, `Write ${name}:(a or b).`);
    }
    this.#in.skip(1);
    return values.length === 1 ? values[0] : { kind: 'any', values, at };
  }

  #value(name: string): ValueSyntax {
    const { at } = this.#in;
    const foreign = FOREIGN_OPERATORS.find((operator) => this.#in.startsWith(operator));
    if (foreign !== undefined) {
      const hint = `Write ${name}:value, -${name}:value or ${name}:~"expression"; quote a value that begins with \`${foreign}\`.`;
      throw filterError(at, `\`${foreign}\` is not an operator of this grammar`, hint);
    }
    if (this.#in.startsWith('~')) {
      this.#in.skip(1);
      if (this.#in.char !== '"') {
        throw filterError(at, 'a regular expression must be quoted', `Write ${name}:~"expression".`);
      }
      return { kind: 'regex', text: this.#in.takeQuoted(), at };
    }
    const op = this.#compareOp();
    const valueAt = this.#in.at;
    const quoted = this.#in.char === '"';
    const text = quoted ? this.#in.takeQuoted() : this.#in.takeValue();
    if (text === '' && !quoted) {
      throw filterError(
        valueAt,
        `the value of ${name} is missing`,
        `Write ${name}:value, ${name}:* for any value, or ${name}:"" for the empty text.`,
      );
    }
    return op === undefined ? { kind: 'plain', text, quoted, at } : { kind: 'compare', op, text, quoted, at: valueAt };
  }

  #compareOp(): CompareOp | undefined {
    for (const op of ['>=', '<=', '>', '<'] as const) {
      if (!this.#in.startsWith(op)) continue;
      this.#in.skip(op.length);
      return op;
    }
    return undefined;
  }

  #takeKeyword(word: string): boolean {
    if (this.#in.keyword(KEYWORDS) !== word) return false;
    this.#in.skip(word.length);
    this.#in.skipSpace();
    return true;
  }
}

/** The characters of a filter, and the pieces that can stand at the present position. */
import { filterError } from './syntax.ts';

const SPACE = /\s/u;

export const isSpace = (char: string): boolean => SPACE.test(char);

export class TextReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  get char(): string | undefined {
    return this.#text[this.#at];
  }

  startsWith(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }

  skipSpace(): void {
    while (!this.atEnd && isSpace(this.#text[this.#at])) this.#at += 1;
  }

  /** The keyword that stands here alone: before a space, a parenthesis or the end. `or:5` is a field. */
  keyword(words: ReadonlySet<string>): string | undefined {
    const found = /^[a-z]{2,3}(?=[\s()]|$)/iu.exec(this.#text.slice(this.#at, this.#at + 4))?.[0].toLowerCase();
    return found !== undefined && words.has(found) ? found : undefined;
  }

  /** An unquoted text up to a space, an unmatched `)` or the first `:`. */
  takeUntilColon(): string {
    return this.#takeText(':');
  }

  /** An unquoted text up to a space or an unmatched `)`. */
  takeValue(): string {
    return this.#takeText('');
  }

  #takeText(stop: string): string {
    const start = this.#at;
    let open = 0;
    while (!this.atEnd) {
      const char = this.#text[this.#at];
      if (isSpace(char) || char === stop || (char === ')' && open === 0)) break;
      if (char === '(') open += 1;
      if (char === ')') open -= 1;
      this.#at += 1;
    }
    return this.#text.slice(start, this.#at);
  }

  takeQuoted(): string {
    const start = this.#at;
    let out = '';
    for (this.#at += 1; !this.atEnd; this.#at += 1) {
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at += 1;
        return out;
      }
      const next = this.#text[this.#at + 1];
      if (char === '\\' && (next === '"' || next === '\\')) {
        out += next;
        this.#at += 1;
      } else out += char;
    }
    throw filterError(start, 'this `"` is not closed', 'Add a `"`; write \\" for a quote inside quotes.');
  }

  /** After a quoted text or a `)`: a term must end here. */
  endOfTerm(): void {
    const { char } = this;
    if (char !== undefined && char !== ')' && !isSpace(char)) {
      throw filterError(
        this.#at,
        'a space is missing here',
        'Put a space between two conditions; write \\" for a quote inside quotes.',
      );
    }
    this.skipSpace();
  }
}

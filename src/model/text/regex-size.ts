/**
 * The size of a regular expression's program, computed from its text before the expression is compiled: sequences add up,
 * and a counted repeat multiplies only its own operand. The size is an upper bound of RE2's instruction count (a property
 * test compares it with re2js). A pattern of a kilobyte therefore cannot cost more to compile than its size says.
 */

const REPEAT = /^\{(\d{1,9})(?:(,)(\d{0,9}))?\}/;
// Names are bounded: one without an end would be looked for to the end of the pattern at each place where one begins.
const CLASS = /^\[\^?\]?(?:\[:\^?\w{0,16}:\]|\\[^]|[^\]\\])*\]?/;
const ESCAPE = /^\\(?:[pP](?:\{[^}]{0,64}\}|[^])|x(?:\{[^}]{0,64}\}|[^]{0,2})|[0-7]{1,3}|[^]?)/;
const GROUP = /^\((?:\?(?:P?<[^>]{0,256}>|[a-zA-Z-]{0,16}[:)]))?/;
/** Larger sums need no exact value, because they are far above any limit. */
const INFINITE = 1e9;

interface Level {
  /** Instructions of the alternatives read so far, and of the operand that a repeat would multiply. */
  total: number;
  last: number;
}

/** `x{n,m}` is n copies and m - n optional ones; `x{n,}` is n copies and a loop. */
function repeated(size: number, found: RegExpExecArray): number {
  const least = Number(found[1]);
  const most = found[3] === undefined || found[3] === '' ? least : Number(found[3]);
  const exact = least === most && found[2] === undefined && least > 0;
  return Math.min(size * Math.max(least, most, 1) + (exact ? 0 : Math.max(most - least, 0) + 2), INFINITE);
}

class Sizer {
  readonly #levels: Level[] = [{ total: 2, last: 0 }];
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  size(): number {
    while (this.#at < this.#pattern.length) this.#step();
    while (this.#levels.length > 1) this.#close();
    return this.#levels[0].total;
  }

  #take(expression: RegExp): RegExpExecArray | null {
    const found = expression.exec(this.#pattern.slice(this.#at, this.#at + 1_000));
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #add(size: number): void {
    const level = this.#levels[this.#levels.length - 1];
    level.total = Math.min(level.total + size, INFINITE);
    level.last = size;
  }

  #close(): void {
    const { total } = this.#levels.pop() as Level;
    // An empty group takes one instruction that does nothing.
    this.#add(Math.max(total, 3));
  }

  #step(): void {
    const level = this.#levels[this.#levels.length - 1];
    switch (this.#pattern[this.#at]) {
      case '\\':
        if (this.#pattern.startsWith('\\Q', this.#at)) this.#literal();
        else this.#add((this.#take(ESCAPE), 1));
        return;
      case '[':
        this.#add((this.#take(CLASS), 1));
        return;
      case '(': {
        const [group] = this.#take(GROUP) as RegExpExecArray;
        // Flags without a group, as in `(?i)`, do not open a group.
        if (!group.endsWith(')')) this.#levels.push({ total: 2, last: 0 });
        return;
      }
      case ')':
        this.#at += 1;
        if (this.#levels.length > 1) this.#close();
        return;
      case '{': {
        const found = this.#take(REPEAT);
        if (found === null) break;
        const grown = repeated(level.last, found);
        level.total = Math.min(level.total - level.last + grown, INFINITE);
        level.last = grown;
        return;
      }
      case '*':
      case '+':
      case '?':
      case '|':
        this.#at += 1;
        // A loop over an operand that may be empty takes two instructions.
        level.total += 2;
        level.last += 2;
        return;
      default:
    }
    this.#at += 1;
    this.#add(1);
  }

  /** `\Q…\E` quotes all characters between the two. */
  #literal(): void {
    const end = this.#pattern.indexOf('\\E', this.#at + 2);
    const stop = end < 0 ? this.#pattern.length : end;
    for (let i = this.#at + 2; i < stop; i += 1) this.#add(1);
    this.#at = end < 0 ? stop : stop + 2;
  }
}

/** An upper bound of the instructions that `pattern` compiles to. */
export function regexSize(pattern: string): number {
  return new Sizer(pattern).size();
}

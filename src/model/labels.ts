/**
 * A label set: sorted by name, no name twice, no empty value (an empty value and an absent label are the same thing in
 * Prometheus' data model). Immutable, with a key that is equal exactly when the sets are equal: hostile values cannot forge it,
 * because every part is written with its length.
 */

export const METRIC_NAME = '__name__';

export class Labels {
  static readonly empty = new Labels([]);

  /** name, value, name, value …, sorted by name (UTF-16 order, which differs from Go's byte order only beyond U+D800). */
  readonly pairs: readonly string[];
  #key: string | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** From any object or map entries; a later duplicate wins, empty values are left out. */
  static from(entries: Iterable<readonly [string, string]> | Readonly<Record<string, string>>): Labels {
    const byName = new Map<string, string>(Symbol.iterator in entries ? entries : Object.entries(entries));
    const names = [...byName.keys()].sort();
    const pairs: string[] = [];
    for (const name of names) {
      const value = byName.get(name) as string;
      if (value !== '') pairs.push(name, value);
    }
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  /** Takes `pairs` as they are: the caller guarantees order, uniqueness and non-empty values. For hot paths. */
  static fromSorted(pairs: readonly string[]): Labels {
    return new Labels(pairs);
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The value, or '' when the label is absent. */
  get(name: string): string {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
    return '';
  }

  get name(): string {
    return this.get(METRIC_NAME);
  }

  get key(): string {
    if (this.#key === undefined) {
      // Joined: V8 keeps a text that is added up as a tree of its parts, three times as large as the text.
      this.#key = this.pairs.map((part) => `${part.length}:${part}`).join('');
    }
    return this.#key;
  }

  /** With `name` set to `value`; '' removes it. */
  with(name: string, value: string): Labels {
    const pairs: string[] = [];
    let placed = value === '';
    for (let i = 0; i < this.pairs.length; i += 2) {
      if (!placed && this.pairs[i] >= name) {
        pairs.push(name, value);
        placed = true;
      }
      if (this.pairs[i] !== name) pairs.push(this.pairs[i], this.pairs[i + 1]);
    }
    if (!placed) pairs.push(name, value);
    return new Labels(pairs);
  }

  /** Only the labels whose name `keep` accepts. */
  filter(keep: (name: string) => boolean): Labels {
    const pairs: string[] = [];
    for (let i = 0; i < this.pairs.length; i += 2) {
      if (keep(this.pairs[i])) pairs.push(this.pairs[i], this.pairs[i + 1]);
    }
    return pairs.length === this.pairs.length ? this : new Labels(pairs);
  }

  *[Symbol.iterator](): Iterator<[name: string, value: string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i], this.pairs[i + 1]];
  }

  /** Null-prototype object, so that `__proto__` stays data. */
  toJSON(): Record<string, string> {
    const out = Object.create(null) as Record<string, string>;
    for (const [name, value] of this) out[name] = value;
    return out;
  }

  static compare(a: Labels, b: Labels): number {
    const length = Math.min(a.pairs.length, b.pairs.length);
    for (let i = 0; i < length; i += 1) {
      if (a.pairs[i] < b.pairs[i]) return -1;
      if (a.pairs[i] > b.pairs[i]) return 1;
    }
    return a.pairs.length - b.pairs.length;
  }
}

/** One condition on a label. Regular expressions are RE2 in meaning and match the whole value. */
export interface Matcher {
  readonly name: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
  /** The label values that an expensive pattern accepts ('' for an absent label), when they were computed beforehand. */
  readonly accepted?: ReadonlySet<string> | undefined;
}

/**
 * The index from label pairs to series: name → value → ids. A selector starts from the shortest list that one of its
 * matchers gives and checks the other matchers on the labels. A regular expression runs once per distinct value, never once
 * per series. A matcher that accepts '' also accepts series without the label (prometheus.io/docs, "Querying basics"). Label
 * strings are interned: equal strings of all series are one string in memory.
 */
import { Labels } from '../../../model/labels.ts';
import type { Matcher } from '../../../model/labels.ts';
import type { WorkMeter } from '../../../model/ports.ts';

/** Makes the test of a `=~` or `!~` matcher (fully anchored RE2). May throw VitrineError `query_invalid`. */
export type CompileMatcher = (matcher: Matcher, meter?: WorkMeter) => (value: string) => boolean;

interface Test {
  readonly name: string;
  readonly accepts: (value: string) => boolean;
  /** The one value, when there is only one. */
  readonly only: string | undefined;
  readonly acceptsEmpty: boolean;
}

function remember(test: (value: string) => boolean): (value: string) => boolean {
  const known = new Map<string, boolean>();
  return (value) => {
    let answer = known.get(value);
    if (answer === undefined) {
      answer = test(value);
      known.set(value, answer);
    }
    return answer;
  };
}

function testOf(matcher: Matcher, compile: CompileMatcher, meter?: WorkMeter): Test {
  const { name, op, value } = matcher;
  if (op === '=')
    return { name, accepts: (found) => found === value, only: value || undefined, acceptsEmpty: value === '' };
  if (op === '!=') return { name, accepts: (found) => found !== value, only: undefined, acceptsEmpty: value !== '' };
  const accepts = remember(compile(matcher, meter));
  return { name, accepts, only: undefined, acceptsEmpty: accepts('') };
}

/** A prepared selector: its patterns are compiled once and it can be applied to many indices. */
export class Selector {
  readonly tests: readonly Test[];

  /** `meter` counts the work of patterns and may end the search. */
  constructor(matchers: readonly Matcher[], compile: CompileMatcher, meter?: WorkMeter) {
    this.tests = matchers.map((matcher) => testOf(matcher, compile, meter));
  }

  accepts(labels: Labels): boolean {
    return this.tests.every(({ name, accepts }) => accepts(labels.get(name)));
  }
}

/** The ids of one value, with the one string that all its series refer to. */
interface ValueEntry {
  readonly value: string;
  readonly ids: number[];
}

interface NameEntry {
  readonly name: string;
  readonly values: Map<string, ValueEntry>;
}

interface Start {
  readonly ids: readonly number[] | undefined;
  readonly size: number;
  readonly used: Test | undefined;
}

/** Gives the event loop a turn when one is due. */
export type Rest = () => Promise<void> | undefined;

const NONE: readonly number[] = [];
/** The clock is read once per this number of series plus one. */
const LOOK_MASK = 255;

export class Postings {
  readonly #byName = new Map<string, NameEntry>();
  readonly #labels = new Map<number, Labels>();

  get size(): number {
    return this.#labels.size;
  }

  labelsOf(id: number): Labels | undefined {
    return this.#labels.get(id);
  }

  ids(): MapIterator<number> {
    return this.#labels.keys();
  }

  /**
   * Adds a series under an id that is not in use; returns its labels with interned strings. With `shared`, the labels
   * are kept as they are, because another index holds them already.
   */
  add(id: number, labels: Labels, shared = false): Labels {
    const pairs: string[] = [];
    for (let i = 0; i < labels.pairs.length; i += 2) {
      const entry = this.#nameEntry(labels.pairs[i]);
      pairs.push(entry.name, addTo(entry, labels.pairs[i + 1], id));
    }
    const interned = shared ? labels : Labels.fromSorted(pairs);
    this.#labels.set(id, interned);
    return interned;
  }

  #nameEntry(name: string): NameEntry {
    let entry = this.#byName.get(name);
    if (entry === undefined) {
      entry = { name, values: new Map() };
      this.#byName.set(name, entry);
    }
    return entry;
  }

  /** Removes many at once: each list that loses an id is rewritten once. */
  remove(gone: ReadonlySet<number>): void {
    const touched = new Map<string, Set<string>>();
    for (const id of gone) {
      for (const [name, value] of this.#labels.get(id) ?? []) {
        const values = touched.get(name) ?? new Set();
        touched.set(name, values.add(value));
      }
      this.#labels.delete(id);
    }
    for (const [name, values] of touched) {
      const entry = this.#byName.get(name) as NameEntry;
      for (const value of values) {
        const { ids } = entry.values.get(value) as ValueEntry;
        let kept = 0;
        for (const id of ids) if (!gone.has(id)) ids[kept++] = id;
        ids.length = kept;
        if (kept === 0) entry.values.delete(value);
      }
      if (entry.values.size === 0) this.#byName.delete(name);
    }
  }

  /**
   * Ids of the series that `selector` accepts, in no order. `rest` is called between values and series, and awaited when it
   * returns a promise. Series that are added or removed meanwhile may be in the result or not.
   */
  async match(selector: Selector, rest: Rest): Promise<number[]> {
    const { ids, used } = await this.#shortest(selector, rest);
    const others = selector.tests.filter((test) => test !== used);
    const out: number[] = [];
    let seen = 0;
    for (const id of ids?.slice() ?? this.#labels.keys()) {
      if ((seen++ & LOOK_MASK) === 0) await rest();
      const labels = this.#labels.get(id);
      if (labels !== undefined && others.every(({ name, accepts }) => accepts(labels.get(name)))) out.push(id);
    }
    return out;
  }

  /** The shortest list of ids that contains every series a selector can accept, and the matcher that gave this list. */
  async #shortest({ tests }: Selector, rest: Rest): Promise<Start> {
    let best: Start = { ids: undefined, size: this.#labels.size, used: undefined };
    const exact = tests.filter(({ only }) => only !== undefined);
    const others = tests.filter(({ only, acceptsEmpty }) => only === undefined && !acceptsEmpty);
    for (const test of [...exact, ...others]) {
      const ids = await this.#idsFor(test, best, rest);
      if (ids === undefined || (best.ids !== undefined && ids.length >= best.size)) continue;
      best = { ids, size: ids.length, used: test };
    }
    return best;
  }

  /** Undefined when there are more values to test than series, so that testing the series is cheaper. */
  async #idsFor(test: Test, best: Start, rest: Rest): Promise<readonly number[] | undefined> {
    const values = this.#byName.get(test.name)?.values;
    if (values === undefined) return NONE;
    if (test.only !== undefined) return values.get(test.only)?.ids ?? NONE;
    return best.ids !== undefined && values.size >= best.size ? undefined : unionOf(values, test, rest);
  }

  /** Ids of the series that have this pair. */
  idsOf(name: string, value: string): readonly number[] {
    return this.#byName.get(name)?.values.get(value)?.ids ?? NONE;
  }

  names(): MapIterator<string> {
    return this.#byName.keys();
  }

  values(name: string): Iterable<string> {
    return this.#byName.get(name)?.values.keys() ?? [];
  }

  /** The number of series of every pair. */
  *pairCounts(): Generator<readonly [string, Iterable<readonly [string, number]>]> {
    for (const { name, values } of this.#byName.values()) {
      yield [name, values.values().map(({ value, ids }) => [value, ids.length] as const)];
    }
  }

  /** The label with the most distinct values among the series with this pair: the cause of the metric's many series. */
  widestLabel(name: string, value: string): { label: string; values: number } {
    const distinct = new Map<string, Set<string>>();
    for (const id of this.#byName.get(name)?.values.get(value)?.ids ?? NONE) {
      for (const [label, labelValue] of this.#labels.get(id) as Labels) {
        const values = distinct.get(label) ?? new Set();
        distinct.set(label, values.add(labelValue));
      }
    }
    return widest(distinct);
  }

  /** The label with the most distinct values in the whole index. */
  widestOfAll(): { label: string; values: number } {
    return widest(new Map([...this.#byName].map(([name, { values }]) => [name, values])));
  }
}

async function unionOf(values: ReadonlyMap<string, ValueEntry>, test: Test, rest: Rest): Promise<number[]> {
  const union: number[] = [];
  for (const { value, ids } of values.values()) {
    // Each value may cost a match of milliseconds.
    const pause = rest();
    if (pause !== undefined) await pause;
    if (test.accepts(value)) for (const id of ids) union.push(id);
  }
  return union;
}

/** Returns the interned value. Most values of an id-like label have one series, so a list begins with one entry. */
function addTo({ values }: NameEntry, value: string, id: number): string {
  const entry = values.get(value);
  if (entry === undefined) {
    values.set(value, { value, ids: [id] });
    return value;
  }
  entry.ids.push(id);
  return entry.value;
}

function widest(byLabel: ReadonlyMap<string, { readonly size: number }>): { label: string; values: number } {
  let label = '';
  let values = 0;
  for (const [name, { size }] of byLabel) if (size > values) [label, values] = [name, size];
  return { label, values };
}

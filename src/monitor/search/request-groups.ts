/**
 * Rows of the ledger in groups by up to three fields and a step, batch by batch: rows get the number of their group from the
 * numbers of their values, and a text is made once for each value of a batch, not for each row.
 */
import { VitrineError } from '../../base/errors.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { RecordBatch, RecordColumn } from '../../model/record-source.ts';
import { rowMs, valueAt } from './counts.ts';

const GROUPS_MAX = 20_000;

export interface RowGroup {
  /** The values of the fields, in their order; '' for rows without one. */
  readonly values: readonly string[];
  /** Begin of the step; undefined without steps. */
  readonly timeMs: number | undefined;
  readonly requests: number;
}

/** Numbers for the values of a field in one batch; without `codes` all rows have the only value. */
interface Values {
  readonly texts: readonly string[];
  readonly codes?: Uint8Array | Uint16Array | Uint32Array | undefined;
}

/** Groups of a batch are found by a table up to this many combinations of values. */
const TABLE_MAX = 65_536;

export class RowGroups<G extends RowGroup> {
  readonly #by: readonly string[];
  readonly #stepMs: number | undefined;
  readonly #make: (values: readonly string[], timeMs: number | undefined) => G;
  readonly #groups = new Map<string, G>();

  constructor(
    by: readonly string[],
    stepMs: number | undefined,
    make: (values: readonly string[], timeMs: number | undefined) => G,
  ) {
    this.#by = by;
    this.#stepMs = stepMs;
    this.#make = make;
  }

  /**
   * The groups of the rows, and of each row the place of its group among them.
   * @throws VitrineError `query_failed` when the groups are too many
   */
  placesOf(batch: RecordBatch, rows: Uint32Array): { groups: G[]; places: Uint32Array } {
    const fields = this.#by.map((field) => valuesOf(batch, field));
    const stepMs = this.#stepMs;
    const steps =
      stepMs === undefined ? undefined : Float64Array.from(rows, (row) => Math.floor(rowMs(batch, row) / stepMs));
    const { combined, combinations } = combine(fields, rows, steps);
    const table = combinations <= TABLE_MAX ? new Int32Array(combinations).fill(-1) : undefined;
    const known = new Map<number, number>();
    const groups: G[] = [];
    const places = new Uint32Array(rows.length);
    for (let at = 0; at < rows.length; at += 1) {
      const code = combined[at];
      let place = table === undefined ? (known.get(code) ?? -1) : table[code];
      if (place < 0) {
        place = groups.length;
        const values = fields.map(({ texts, codes }) => texts[codes === undefined ? 0 : codes[rows[at]]]);
        groups.push(this.#groupOf(values, steps === undefined ? undefined : steps[at] * (stepMs ?? 0)));
        if (table === undefined) known.set(code, place);
        else table[code] = place;
      }
      places[at] = place;
    }
    return { groups, places };
  }

  #groupOf(values: readonly string[], timeMs: number | undefined): G {
    const key = JSON.stringify([timeMs ?? null, ...values]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) {
        throw new VitrineError('query_failed', `The figures have more than ${GROUPS_MAX} groups.`, {
          hint: 'Choose fields with fewer values, a longer step, or a narrower filter.',
        });
      }
      this.#groups.set(key, (group = this.#make(values, timeMs)));
    }
    return group;
  }

  /** Oldest step first, then the largest group. */
  list(): G[] {
    return [...this.#groups.values()].sort(
      (a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0) || b.requests - a.requests || (a.values < b.values ? -1 : 1),
    );
  }
}

/** One number for the values and the step of each row, and how many there may be. */
function combine(
  fields: readonly Values[],
  rows: Uint32Array,
  steps: Float64Array | undefined,
): { readonly combined: Uint32Array | Float64Array; readonly combinations: number } {
  const most = steps === undefined ? fields.reduce((product, { texts }) => product * texts.length, 1) : Infinity;
  const combined = most < 2 ** 32 ? new Uint32Array(rows.length) : new Float64Array(rows.length);
  if (steps !== undefined) for (let at = 0; at < rows.length; at += 1) combined[at] = steps[at] - steps[0];
  let combinations = steps === undefined ? 1 : Infinity;
  for (const { texts, codes } of fields) {
    if (codes === undefined) continue;
    const { length } = texts;
    combinations *= length;
    for (let at = 0; at < rows.length; at += 1) combined[at] = combined[at] * length + codes[rows[at]];
  }
  return { combined, combinations };
}

/** Counts the rows with a value for their groups. */
export function countPresent(
  column: RecordColumn | undefined,
  rows: Uint32Array,
  places: Uint32Array,
  counts: Uint32Array,
): void {
  if (column === undefined) return;
  const absent = column.kind === 'dictionary' ? column.values.indexOf(undefined) : -1;
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at];
    const present = column.kind === 'dictionary' ? column.codes[row] !== absent : valueAt(column, row) !== undefined;
    if (present) counts[places[at]] += 1;
  }
}

function valuesOf(batch: RecordBatch, field: string): Values {
  const column = batch.column(field);
  if (column === undefined) return { texts: [''] };
  if (column.kind === 'same') return { texts: [attributeText(column.value)] };
  if (column.kind === 'dictionary') {
    const texts = column.values.map((value) => (value === undefined ? '' : attributeText(value)));
    return { texts, codes: column.codes };
  }
  const numbers = new Map<string, number>();
  const codes = new Uint32Array(batch.count);
  for (let row = batch.begin; row < batch.end; row += 1) {
    const value = valueAt(column, row);
    const text = value === undefined ? '' : attributeText(value);
    const known = numbers.get(text) ?? numbers.size;
    numbers.set(text, known);
    codes[row] = known;
  }
  return { texts: [...numbers.keys()], codes };
}

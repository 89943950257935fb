/** Counts over all matches of a filter: lines by level and step, the fields that records have, and the values of a field. */
import type { Clock } from '../../base/clock.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { RecordBatch, RecordColumn, RecordSignal, RecordSource } from '../../model/record-source.ts';
import type { AttributeValue } from '../../model/records.ts';
import { levelName } from '../../model/text/severity.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';
import { DistinctCount } from './sketches/distinct-count.ts';
import { HeavyHitters, type Hitter } from './sketches/heavy-hitters.ts';

export interface Histogram extends ScanOutcome {
  /** Begin of each step. */
  readonly timesMs: readonly number[];
  /** By level (`unknown` without one), a count for each step. */
  readonly levels: ReadonlyMap<string, readonly number[]>;
  readonly total: number;
}

/** The value of a row in a column, undefined when it has none. */
export function valueAt(column: RecordColumn | undefined, row: number): AttributeValue | undefined {
  if (column === undefined) return undefined;
  switch (column.kind) {
    case 'same':
      return column.value;
    case 'dictionary':
      return column.values[column.codes[row]];
    case 'numbers':
      return Number.isNaN(column.values[row]) ? undefined : column.values[row];
    default:
      return column.at(row);
  }
}

export const rowMs = (batch: RecordBatch, row: number): number =>
  Number(batch.positionOf(row).timeUnixNano / 1_000_000n);

export async function histogram(
  source: RecordSource,
  request: ScanRequest<'logs'>,
  stepMs: number,
  clock: Clock,
): Promise<Histogram> {
  const firstMs = Math.floor(request.fromMs / stepMs) * stepMs;
  const count = Math.max(1, Math.ceil((request.toMs - firstMs) / stepMs));
  const levels = new Map<string, number[]>();
  let total = 0;
  const outcome = await scanMatches(source, request, clock, (batch, rows) => {
    const column = batch.column('level');
    for (const row of rows) {
      const severity = valueAt(column, row);
      const level = (typeof severity === 'number' && levelName(severity)) || 'unknown';
      let counts = levels.get(level);
      if (counts === undefined) levels.set(level, (counts = Array.from({ length: count }, () => 0)));
      counts[Math.floor((rowMs(batch, row) - firstMs) / stepMs)] += 1;
      total += 1;
    }
  });
  return { ...outcome, timesMs: Array.from({ length: count }, (_, at) => firstMs + at * stepMs), levels, total };
}

export interface FieldFigures {
  readonly name: string;
  readonly type: 'text' | 'number' | 'boolean' | 'list' | 'map' | 'mixed';
  /** Records that have it. */
  readonly records: number;
  /** Distinct values; an estimate above `exactUpTo`. */
  readonly cardinality: number;
  readonly exact: boolean;
  /** Of the values as text. */
  readonly bytes: number;
}

/** A value is counted within some microseconds. */
const ROWS_A_STEP = 512;
/** Further fields are counted together. */
const MAX_FIELDS = 1_000;

export interface Fields extends ScanOutcome {
  readonly fields: readonly FieldFigures[];
  /** Fields beyond the limit, which are not listed. */
  readonly omitted: number;
}

const PARTS: Readonly<Record<RecordSignal, readonly string[]>> = {
  logs: ['service', 'level', 'trace', 'span', 'message'],
  traces: ['service', 'name', 'kind', 'trace', 'span', 'parent', 'span.status', 'duration'],
  requests: [
    'service',
    'route',
    'method',
    'path',
    'status',
    'reason',
    'upstream',
    'tries',
    'cache',
    'duration',
    'user',
  ],
};

export async function fieldFigures<S extends RecordSignal>(
  source: RecordSource,
  request: ScanRequest<S>,
  clock: Clock,
): Promise<Fields> {
  const fields = new Map<string, FieldTally>();
  const omitted = new DistinctCount();
  const outcome = await scanMatches(source, request, clock, function* eachField(batch, rows) {
    if (rows.length === 0) return;
    for (const name of new Set([...PARTS[batch.signal], ...batch.fields()])) {
      const column = batch.column(name);
      if (column === undefined) continue;
      let tally = fields.get(name);
      if (tally === undefined) {
        if (fields.size >= MAX_FIELDS) {
          omitted.add(name);
          continue;
        }
        fields.set(name, (tally = new FieldTally(name)));
      }
      yield* tally.take(column, rows);
    }
  });
  const found = [...fields.values()].map((tally) => tally.figures).filter(({ records }) => records > 0);
  found.sort((a, b) => b.records - a.records || (a.name < b.name ? -1 : 1));
  return { ...outcome, fields: found, omitted: omitted.count };
}

class FieldTally {
  readonly #name: string;
  readonly #values = new DistinctCount();
  #type: FieldFigures['type'] | undefined;
  #records = 0;
  #bytes = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Each value that the column holds once is looked at once, however many rows have it. */
  *take(column: RecordColumn, rows: Uint32Array): Generator<undefined, void> {
    if (column.kind === 'same') {
      this.#add(column.value, rows.length);
      return;
    }
    if (column.kind !== 'dictionary') {
      for (const [at, row] of rows.entries()) {
        this.#add(valueAt(column, row), 1);
        if (at % ROWS_A_STEP === 0) yield;
      }
      return;
    }
    const counts = new Uint32Array(column.values.length);
    for (const row of rows) counts[column.codes[row]] += 1;
    for (const [code, value] of column.values.entries()) {
      if (counts[code] > 0) this.#add(value, counts[code]);
      if (code % ROWS_A_STEP === 0) yield;
    }
  }

  #add(value: AttributeValue | undefined, count: number): void {
    if (value === undefined || value === null) return;
    const text = attributeText(value);
    const type = typeOf(value);
    this.#type = this.#type === undefined || this.#type === type ? type : 'mixed';
    this.#records += count;
    this.#bytes += Buffer.byteLength(text) * count;
    this.#values.add(text);
  }

  get figures(): FieldFigures {
    const { count, exact } = this.#values;
    return {
      name: this.#name,
      type: this.#type ?? 'text',
      records: this.#records,
      cardinality: count,
      exact,
      bytes: this.#bytes,
    };
  }
}

function typeOf(value: AttributeValue): FieldFigures['type'] {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number' || typeof value === 'bigint') return 'number';
  return Array.isArray(value) ? 'list' : 'map';
}

export interface Values extends ScanOutcome {
  /** Most frequent first. */
  readonly values: readonly Hitter[];
  readonly cardinality: number;
  /** Matching records, and those of them that have the field. */
  readonly total: number;
  readonly present: number;
}

/** Values beyond this number are counted by a sketch, which says by how much a count may be too high. */
const EXACT_VALUES = 10_000;

export async function valueCounts<S extends RecordSignal>(
  source: RecordSource,
  request: ScanRequest<S>,
  field: string,
  limit: number,
  clock: Clock,
): Promise<Values> {
  const counts = new HeavyHitters(EXACT_VALUES);
  const distinct = new DistinctCount();
  let total = 0;
  let present = 0;
  const outcome = await scanMatches(source, request, clock, (batch, rows) => {
    total += rows.length;
    const column = batch.column(field);
    if (column === undefined) return;
    for (const row of rows) {
      const value = valueAt(column, row);
      if (value === undefined || value === null) continue;
      const text =
        field === 'level' && typeof value === 'number' ? levelName(value) || 'unknown' : attributeText(value);
      present += 1;
      counts.add(text);
      distinct.add(text);
    }
  });
  return { ...outcome, values: counts.top(limit), cardinality: distinct.count, total, present };
}

/**
 * Exact figures over ledger rows, by up to three fields and in steps: every duration of a group is kept and a percentile is
 * selected among them, so it is the duration of a request that happened (nearest rank), not the bound of a bucket. A batch is
 * read column by column: rows get the number of their group from the numbers of their values. Durations and groups are
 * bounded; a search that needs more is refused, never answered inexactly.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { RecordBatch, RecordColumn, RecordSource } from '../../model/record-source.ts';
import { rowMs, valueAt } from './counts.ts';
import { valuesAtRanks } from './ranks.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';

/** Eight bytes each. */
const DURATIONS_MAX = 12_000_000;
const GROUPS_MAX = 20_000;
export const PHASE_FIELDS = {
  queue: 'queue',
  cache: 'phase.cache',
  connect: 'connect',
  upstream: 'phase.upstream',
  transfer: 'transfer',
} as const;
type Phase = keyof typeof PHASE_FIELDS;
const PHASES = Object.keys(PHASE_FIELDS) as Phase[];

export interface RequestFigure {
  /** The values of the fields, in their order; '' for rows without one. */
  readonly values: readonly string[];
  /** Begin of the step; undefined without steps. */
  readonly timeMs: number | undefined;
  readonly requests: number;
  /** Requests with a reason: a 5xx, or no answer. */
  readonly errors: number;
  /** Milliseconds. */
  readonly sumMs: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Mean milliseconds of each phase over all requests of the group. */
  readonly phases: Readonly<Record<Phase, number>>;
}

export interface RequestFigures extends ScanOutcome {
  readonly figures: readonly RequestFigure[];
}

class Group {
  readonly values: readonly string[];
  readonly timeMs: number | undefined;
  durations = new Float64Array(16);
  requests = 0;
  errors = 0;
  readonly phases = new Float64Array(PHASES.length);

  constructor(values: readonly string[], timeMs: number | undefined) {
    this.values = values;
    this.timeMs = timeMs;
  }

  /** The durations, with room for `more` after those that are there; the caller fills it. */
  longer(more: number): Float64Array {
    const length = this.requests + more;
    if (length > this.durations.length) {
      const longer = new Float64Array(Math.max(length, this.durations.length * 2));
      longer.set(this.durations);
      this.durations = longer;
    }
    this.requests = length;
    return this.durations;
  }

  figure(): RequestFigure {
    const { durations, requests } = this;
    let [sumMs, max] = [0, -Infinity];
    for (let at = 0; at < requests; at += 1) {
      sumMs += durations[at];
      if (durations[at] > max) max = durations[at];
    }
    const ranks = [0.5, 0.95, 0.99].map((share) => Math.max(0, Math.ceil(share * requests) - 1));
    const [p50, p95, p99] = valuesAtRanks(durations, requests, ranks);
    const means = PHASES.map((phase, at) => [phase, this.phases[at] / requests]);
    return {
      values: this.values,
      timeMs: this.timeMs,
      requests,
      errors: this.errors,
      sumMs,
      p50,
      p95,
      p99,
      max,
      phases: Object.fromEntries(means) as Record<Phase, number>,
    };
  }
}

/** @throws VitrineError `query_failed` when the groups or durations are too many. */
export async function requestFigures(
  source: RecordSource,
  request: ScanRequest<'requests'>,
  by: readonly string[],
  stepMs: number | undefined,
  clock: Clock,
): Promise<RequestFigures> {
  const groups = new Groups(by, stepMs);
  const outcome = await scanMatches(source, request, clock, (batch, rows) => groups.take(batch, rows));
  return { ...outcome, figures: groups.list().map((group) => group.figure()) };
}

/** Numbers for the values of a field in one batch; without `codes` all rows have the only value. */
interface Values {
  readonly texts: readonly string[];
  readonly codes?: Uint8Array | Uint16Array | Uint32Array | undefined;
}

/** Groups of a batch are found by a table up to this many combinations of values. */
const TABLE_MAX = 65_536;

class Groups {
  readonly #by: readonly string[];
  readonly #stepMs: number | undefined;
  readonly #groups = new Map<string, Group>();
  #durations = 0;

  constructor(by: readonly string[], stepMs: number | undefined) {
    this.#by = by;
    this.#stepMs = stepMs;
  }

  take(batch: RecordBatch, rows: readonly number[]): void {
    this.#durations += rows.length;
    if (this.#durations > DURATIONS_MAX) {
      throw new VitrineError('query_failed', `The figures are of more than ${DURATIONS_MAX} requests.`, {
        hint: 'Choose a shorter range or a narrower filter.',
      });
    }
    if (rows.length === 0) return;
    const { groups, places } = this.#placesOf(batch, rows);
    addDurations(batch.column('duration'), rows, groups, places);
    for (const [phase, name] of PHASES.entries()) {
      const sums = new Float64Array(groups.length);
      addNumbers(batch.column(PHASE_FIELDS[name]), rows, places, sums);
      for (let place = 0; place < groups.length; place += 1) groups[place].phases[phase] += sums[place];
    }
    const errors = new Uint32Array(groups.length);
    countPresent(batch.column('reason'), rows, places, errors);
    for (let place = 0; place < groups.length; place += 1) groups[place].errors += errors[place];
  }

  /** The groups of the rows, and of each row the place of its group among them. */
  #placesOf(batch: RecordBatch, rows: readonly number[]): { groups: Group[]; places: Uint32Array } {
    const fields = this.#by.map((field) => valuesOf(batch, field));
    const stepMs = this.#stepMs;
    const steps = stepMs === undefined ? undefined : rows.map((row) => Math.floor(rowMs(batch, row) / stepMs));
    const { combined, combinations } = combine(fields, rows, steps);
    const table = combinations <= TABLE_MAX ? new Int32Array(combinations).fill(-1) : undefined;
    const known = new Map<number, number>();
    const groups: Group[] = [];
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

  #groupOf(values: readonly string[], timeMs: number | undefined): Group {
    const key = JSON.stringify([timeMs ?? null, ...values]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= GROUPS_MAX) {
        throw new VitrineError('query_failed', `The figures have more than ${GROUPS_MAX} groups.`, {
          hint: 'Choose fields with fewer values, a longer step, or a narrower filter.',
        });
      }
      this.#groups.set(key, (group = new Group(values, timeMs)));
    }
    return group;
  }

  /** Oldest step first, then the largest group. */
  list(): Group[] {
    return [...this.#groups.values()].sort(
      (a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0) || b.requests - a.requests || (a.values < b.values ? -1 : 1),
    );
  }
}

/** One number for the values and the step of each row, and how many there may be. */
function combine(
  fields: readonly Values[],
  rows: readonly number[],
  steps: readonly number[] | undefined,
): { readonly combined: Float64Array; readonly combinations: number } {
  const combined = new Float64Array(rows.length);
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

function addDurations(
  column: RecordColumn | undefined,
  rows: readonly number[],
  groups: readonly Group[],
  places: Uint32Array,
): void {
  const counts = new Uint32Array(groups.length);
  for (let at = 0; at < rows.length; at += 1) counts[places[at]] += 1;
  const lists = groups.map((group, place) => group.longer(counts[place]));
  const next = Uint32Array.from(groups, ({ requests }, place) => requests - counts[place]);
  const ms = column?.kind === 'numbers' ? column.values : undefined;
  for (let at = 0; at < rows.length; at += 1) {
    const duration = ms === undefined ? Number(valueAt(column, rows[at]) ?? 0) : ms[rows[at]];
    const place = places[at];
    lists[place][next[place]] = Number.isNaN(duration) ? 0 : duration;
    next[place] += 1;
  }
}

/** Adds the rows' numbers to the sums of their groups. */
function addNumbers(
  column: RecordColumn | undefined,
  rows: readonly number[],
  places: Uint32Array,
  sums: Float64Array,
): void {
  if (column === undefined) return;
  const numberOf = (value: unknown): number => (typeof value === 'number' && !Number.isNaN(value) ? value : 0);
  if (column.kind === 'numbers') {
    const { values } = column;
    for (let at = 0; at < rows.length; at += 1) {
      const value = values[rows[at]];
      if (!Number.isNaN(value)) sums[places[at]] += value;
    }
  } else if (column.kind === 'dictionary') {
    const { codes } = column;
    const values = Float64Array.from(column.values, numberOf);
    for (let at = 0; at < rows.length; at += 1) sums[places[at]] += values[codes[rows[at]]];
  } else for (let at = 0; at < rows.length; at += 1) sums[places[at]] += numberOf(valueAt(column, rows[at]));
}

/** Counts the rows with a value for their groups. */
function countPresent(
  column: RecordColumn | undefined,
  rows: readonly number[],
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

/**
 * Exact figures over ledger rows, by up to three fields and in steps: every duration of a group is kept and a percentile is
 * selected among them, so it is the duration of a request that happened (nearest rank), not the bound of a bucket. A batch is
 * read column by column: rows get the number of their group from the numbers of their values. Durations and groups are
 * bounded; a search that needs more is refused, never answered inexactly.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { RecordBatch, RecordColumn, RecordSource } from '../../model/record-source.ts';
import { valueAt } from './counts.ts';
import { valuesAtRanks } from './ranks.ts';
import { countPresent, RowGroups, type RowGroup } from './request-groups.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';

/** Eight bytes each. */
const DURATIONS_MAX = 12_000_000;
export const PHASE_FIELDS = {
  queue: 'queue',
  cache: 'phase.cache',
  connect: 'connect',
  upstream: 'phase.upstream',
  transfer: 'transfer',
} as const;
type Phase = keyof typeof PHASE_FIELDS;
const PHASES = Object.keys(PHASE_FIELDS) as Phase[];

export interface RequestFigure extends RowGroup {
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
  const groups = new Figures(by, stepMs);
  const outcome = await scanMatches(source, request, clock, (batch, rows) => groups.take(batch, rows));
  return { ...outcome, figures: groups.list().map((group) => group.figure()) };
}

class Figures {
  readonly #groups: RowGroups<Group>;
  #durations = 0;

  constructor(by: readonly string[], stepMs: number | undefined) {
    this.#groups = new RowGroups(by, stepMs, (values, timeMs) => new Group(values, timeMs));
  }

  take(batch: RecordBatch, rows: Uint32Array): void {
    this.#durations += rows.length;
    if (this.#durations > DURATIONS_MAX) {
      throw new VitrineError('query_failed', `The figures are of more than ${DURATIONS_MAX} requests.`, {
        hint: 'Choose a shorter range or a narrower filter.',
      });
    }
    if (rows.length === 0) return;
    const { groups, places } = this.#groups.placesOf(batch, rows);
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

  list(): Group[] {
    return this.#groups.list();
  }
}

function addDurations(
  column: RecordColumn | undefined,
  rows: Uint32Array,
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
  rows: Uint32Array,
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

export type RequestCount = Pick<RequestFigure, 'values' | 'timeMs' | 'requests' | 'errors'>;

export interface RequestCounts extends ScanOutcome {
  readonly counts: readonly RequestCount[];
}

/**
 * Requests and errors only, of any number of rows: durations are neither read nor kept.
 * @throws VitrineError `query_failed` when the groups are too many.
 */
export async function requestCounts(
  source: RecordSource,
  request: ScanRequest<'requests'>,
  by: readonly string[],
  stepMs: number | undefined,
  clock: Clock,
): Promise<RequestCounts> {
  const made = new RowGroups(by, stepMs, (values, timeMs) => ({ values, timeMs, requests: 0, errors: 0 }));
  const outcome = await scanMatches(source, request, clock, (batch, rows) => {
    if (rows.length === 0) return;
    const { groups, places } = made.placesOf(batch, rows);
    const [requests, errors] = [new Uint32Array(groups.length), new Uint32Array(groups.length)];
    for (let at = 0; at < places.length; at += 1) requests[places[at]] += 1;
    countPresent(batch.column('reason'), rows, places, errors);
    for (let place = 0; place < groups.length; place += 1) {
      groups[place].requests += requests[place];
      groups[place].errors += errors[place];
    }
  });
  return { ...outcome, counts: made.list() };
}

/**
 * Exact figures over ledger rows, by up to three fields and in steps: every duration of a group is kept and sorted once, so a
 * percentile is the duration of a request that happened (nearest rank), not the bound of a bucket. Durations and groups are
 * bounded; a search that needs more is refused, never answered inexactly.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { RecordBatch, RecordSource } from '../../model/record-source.ts';
import { rowMs, valueAt } from './counts.ts';
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

  add(ms: number): void {
    if (this.requests === this.durations.length) {
      const longer = new Float64Array(this.requests * 2);
      longer.set(this.durations);
      this.durations = longer;
    }
    this.durations[this.requests] = ms;
    this.requests += 1;
  }

  figure(): RequestFigure {
    const sorted = this.durations.subarray(0, this.requests).sort();
    const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    const means = PHASES.map((phase, at) => [phase, this.phases[at] / this.requests]);
    return {
      values: this.values,
      timeMs: this.timeMs,
      requests: this.requests,
      errors: this.errors,
      sumMs: sorted.reduce((sum, ms) => sum + ms, 0),
      p50: rank(0.5),
      p95: rank(0.95),
      p99: rank(0.99),
      max: sorted[sorted.length - 1],
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

/** Numbers for the values of a field in one batch: rows are then grouped by numbers. */
interface Values {
  readonly texts: readonly string[];
  readonly codeOf: (row: number) => number;
}

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
    const fields = this.#by.map((field) => valuesOf(batch, field));
    const durations = batch.column('duration');
    const reasons = batch.column('reason');
    const phases = PHASES.map((phase) => batch.column(PHASE_FIELDS[phase]));
    const known = new Map<number, Group>();
    const stepMs = this.#stepMs;
    for (const row of rows) {
      const timeMs = stepMs === undefined ? undefined : Math.floor(rowMs(batch, row) / stepMs) * stepMs;
      let code = timeMs === undefined || stepMs === undefined ? 0 : timeMs / stepMs;
      for (const { texts, codeOf } of fields) code = code * texts.length + codeOf(row);
      let group = known.get(code);
      if (group === undefined) {
        group = this.#groupOf(
          fields.map(({ texts, codeOf }) => texts[codeOf(row)]),
          timeMs,
        );
        known.set(code, group);
      }
      group.add(Number(valueAt(durations, row) ?? 0));
      if (valueAt(reasons, row) !== undefined) group.errors += 1;
      for (let at = 0; at < phases.length; at += 1) {
        const ms = valueAt(phases[at], row);
        if (typeof ms === 'number') group.phases[at] += ms;
      }
    }
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

function valuesOf(batch: RecordBatch, field: string): Values {
  const column = batch.column(field);
  if (column === undefined) return { texts: [''], codeOf: () => 0 };
  if (column.kind === 'same') return { texts: [attributeText(column.value)], codeOf: () => 0 };
  if (column.kind === 'dictionary') {
    const texts = column.values.map((value) => (value === undefined ? '' : attributeText(value)));
    return { texts, codeOf: (row) => column.codes[row] };
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
  return { texts: [...numbers.keys()], codeOf: (row) => codes[row] };
}

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
    const groups = this.#groupsOf(batch, rows);
    const durations = batch.column('duration');
    const ms = durations?.kind === 'numbers' ? durations.values : undefined;
    for (let at = 0; at < rows.length; at += 1) {
      const duration = ms === undefined ? Number(valueAt(durations, rows[at]) ?? 0) : ms[rows[at]];
      groups[at].add(Number.isNaN(duration) ? 0 : duration);
    }
    countErrors(batch.column('reason'), rows, groups);
    for (const [place, phase] of PHASES.entries()) addPhase(batch.column(PHASE_FIELDS[phase]), rows, groups, place);
  }

  /** The group of each row. */
  #groupsOf(batch: RecordBatch, rows: readonly number[]): Group[] {
    const fields = this.#by.map((field) => valuesOf(batch, field));
    const stepMs = this.#stepMs;
    const steps = stepMs === undefined ? undefined : rows.map((row) => Math.floor(rowMs(batch, row) / stepMs));
    const first = steps?.[0] ?? 0;
    const combinations = fields.reduce((product, { texts }) => product * texts.length, 1);
    const table: (Group | undefined)[] = [];
    const known = new Map<number, Group>();
    const small = steps === undefined && combinations <= TABLE_MAX;
    return rows.map((row, at) => {
      let code = steps === undefined ? 0 : steps[at] - first;
      for (const { texts, codes } of fields) if (codes !== undefined) code = code * texts.length + codes[row];
      let group = small ? table[code] : known.get(code);
      if (group === undefined) {
        const values = fields.map(({ texts, codes }) => texts[codes === undefined ? 0 : codes[row]]);
        group = this.#groupOf(values, steps === undefined ? undefined : steps[at] * (stepMs ?? 0));
        if (small) table[code] = group;
        else known.set(code, group);
      }
      return group;
    });
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

function countErrors(reasons: RecordColumn | undefined, rows: readonly number[], groups: readonly Group[]): void {
  if (reasons === undefined) return;
  if (reasons.kind === 'dictionary') {
    const { codes } = reasons;
    const absent = reasons.values.indexOf(undefined);
    for (let at = 0; at < rows.length; at += 1) if (codes[rows[at]] !== absent) groups[at].errors += 1;
    return;
  }
  for (let at = 0; at < rows.length; at += 1) if (valueAt(reasons, rows[at]) !== undefined) groups[at].errors += 1;
}

function addPhase(
  column: RecordColumn | undefined,
  rows: readonly number[],
  groups: readonly Group[],
  place: number,
): void {
  if (column === undefined) return;
  const numbers = column.kind === 'numbers' ? column.values : undefined;
  for (let at = 0; at < rows.length; at += 1) {
    const ms = numbers === undefined ? valueAt(column, rows[at]) : numbers[rows[at]];
    if (typeof ms === 'number' && !Number.isNaN(ms)) groups[at].phases[place] += ms;
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

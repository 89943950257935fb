/**
 * Ledger rows as columns. A duration is little more than the sum of the phases: the difference takes a byte where the
 * duration takes three.
 */
import type { RecordColumn } from '../../../../model/record-source.ts';
import type { RequestRow } from '../../../../model/request-row.ts';
import { cellAt, cellNumber as number, cellText as text, type Cell } from './column.ts';
import type { BatchColumns, Columns, RecordShape } from './record-shape.ts';
import { finishTimes, timeAt } from './times.ts';

export const REQUEST_TEXTS = {
  service: '.sv',
  instance: '.in',
  version: '.vs',
  route: '.rt',
  method: '.m',
  path: '.pa',
  reason: '.re',
  upstream: '.up',
  cache: '.ca',
  traceId: '.i',
  code: '.k',
  requestId: '.ri',
  user: '.us',
} as const;
const SYNTHETIC = '.sy';
const PHASES = { queue: '.f0', cache: '.f1', connect: '.f2', upstream: '.f3', transfer: '.f4' } as const;
const PHASE_NAMES = Object.keys(PHASES) as (keyof typeof PHASES)[];
const TEXT_NAMES = Object.keys(REQUEST_TEXTS) as (keyof typeof REQUEST_TEXTS)[];

const micros = (ms: number | undefined): number => (ms === undefined ? 0 : Math.round(ms * 1000));
const phaseMicros = ({ phases }: Pick<RequestRow, 'phases'>): number =>
  PHASE_NAMES.reduce((sum, name) => sum + micros(phases[name]), 0);

/** Durations as differences from the sums of the phases, when all can be. */
function finishDurations(columns: BatchColumns): void {
  const durations = columns.get('.d')?.() ?? [];
  const phases = PHASE_NAMES.map((name) => columns.get(PHASES[name])?.());
  const differences: number[] = [];
  for (let row = 0; row < durations.length; row += 1) {
    const duration = durations[row];
    if (typeof duration !== 'number') return;
    let sum = 0;
    for (const phase of phases) sum += micros(phase?.[row] as number | undefined);
    const difference = micros(duration) - sum;
    if (duration !== (difference + sum) / 1000 || Object.is(difference, -0)) return;
    differences.push(difference);
  }
  columns.delete('.d');
  columns.set('.e', () => differences);
}

export const requestShape: RecordShape<'requests'> = {
  timeOf: ({ startUnixNano }) => startUnixNano,
  add(table, row, request) {
    table.setTime('.t', row, request.startUnixNano);
    table.set('.d', row, request.durationMs, 'numbers');
    for (const name of TEXT_NAMES) if (request[name] !== '') table.set(REQUEST_TEXTS[name], row, request[name]);
    table.set('.st', row, request.status);
    table.set('.tr', row, request.tries);
    if (request.synthetic) table.set(SYNTHETIC, row, true);
    for (const name of PHASE_NAMES) {
      const ms = request.phases[name];
      if (ms !== undefined) table.set(PHASES[name], row, ms, 'numbers');
    }
    if (request.requestBytes !== undefined) table.set('.bi', row, request.requestBytes);
    if (request.responseBytes !== undefined) table.set('.bo', row, request.responseBytes, 'numbers');
  },
  finish(columns) {
    finishTimes(columns, '.t');
    finishDurations(columns);
  },
  read(columns, _attributes, row): RequestRow {
    const at = (name: string): Cell => cellAt(columns(name), row);
    const texts = Object.fromEntries(TEXT_NAMES.map((name) => [name, text(at(REQUEST_TEXTS[name]))])) as Record<
      keyof typeof REQUEST_TEXTS,
      string
    >;
    const phases = Object.fromEntries(
      PHASE_NAMES.map((name) => [name, at(PHASES[name])]),
    ) as unknown as RequestRow['phases'];
    return {
      ...texts,
      startUnixNano: timeAt(columns('.t'), columns('.tn'), row),
      durationMs: durationAt(columns, row, phases),
      status: number(at('.st')),
      tries: number(at('.tr')),
      synthetic: at(SYNTHETIC) === true,
      phases,
      requestBytes: at('.bi') as number | undefined,
      responseBytes: at('.bo') as number | undefined,
    };
  },
};

function durationAt(columns: Columns, row: number, phases: RequestRow['phases']): number {
  const difference = cellAt(columns('.e'), row);
  if (difference === undefined) return number(cellAt(columns('.d'), row));
  return (number(difference) + phaseMicros({ phases })) / 1000;
}

/** Durations of all rows at once. */
export function requestDurations(columns: Columns, count: number): Float64Array {
  const whole = columns('.e');
  const durations = new Float64Array(count);
  if (whole === undefined) return durations.map((_, row) => number(cellAt(columns('.d'), row)));
  addWhole(durations, whole, 1);
  for (const name of PHASE_NAMES) addWhole(durations, columns(PHASES[name]), 1000);
  for (let row = 0; row < count; row += 1) durations[row] /= 1000;
  return durations;
}

/** Adds the column's numbers times `scale`, as whole numbers, to the sums of the rows. */
function addWhole(sums: Float64Array, column: RecordColumn | undefined, scale: number): void {
  const wholeOf = (cell: Cell): number => Math.round(number(cell) * scale);
  if (column === undefined) return;
  if (column.kind === 'numbers') {
    const { values } = column;
    for (let row = 0; row < sums.length; row += 1) {
      const value = values[row];
      if (!Number.isNaN(value)) sums[row] += Math.round(value * scale);
    }
  } else if (column.kind === 'dictionary') {
    const { codes } = column;
    const wholes = Float64Array.from(column.values, wholeOf);
    for (let row = 0; row < sums.length; row += 1) sums[row] += wholes[codes[row]];
  } else for (let row = 0; row < sums.length; row += 1) sums[row] += wholeOf(cellAt(column, row));
}

/** Columns of a ledger row by field name. `duration` has none of its own. */
export const REQUEST_COLUMNS: Readonly<Record<string, string>> = {
  service: REQUEST_TEXTS.service,
  instance: REQUEST_TEXTS.instance,
  version: REQUEST_TEXTS.version,
  trace: REQUEST_TEXTS.traceId,
  route: REQUEST_TEXTS.route,
  method: REQUEST_TEXTS.method,
  path: REQUEST_TEXTS.path,
  reason: REQUEST_TEXTS.reason,
  upstream: REQUEST_TEXTS.upstream,
  cache: REQUEST_TEXTS.cache,
  code: REQUEST_TEXTS.code,
  user: REQUEST_TEXTS.user,
  tries: '.tr',
  synthetic: SYNTHETIC,
  queue: PHASES.queue,
  'phase.cache': PHASES.cache,
  connect: PHASES.connect,
  'phase.upstream': PHASES.upstream,
  transfer: PHASES.transfer,
  'request.bytes': '.bi',
  'response.bytes': '.bo',
};

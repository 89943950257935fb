/**
 * Ledger rows as columns. A duration is little more than the sum of the phases: the difference takes a byte where the
 * duration takes three.
 */
import type { RequestRow } from '../../../../model/request-row.ts';
import { cellAt, cellNumber as number, cellText as text, type Cell } from './column.ts';
import type { Columns, RecordShape } from './record-shape.ts';
import { setTimes, timeAt } from './times.ts';

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
const fitsPhases = (row: RequestRow): boolean =>
  row.durationMs === (micros(row.durationMs) - phaseMicros(row) + phaseMicros(row)) / 1000;

export const requestShape: RecordShape<'requests'> = {
  timeOf: ({ startUnixNano }) => startUnixNano,
  toCells(cells, records) {
    setTimes(
      cells,
      '.t',
      records.map(({ startUnixNano }) => startUnixNano),
    );
    const fit = records.every(fitsPhases);
    for (let row = 0; row < records.length; row += 1) {
      const request = records[row];
      if (fit) cells.set('.e', row, micros(request.durationMs) - phaseMicros(request));
      else cells.set('.d', row, request.durationMs);
      for (const name of TEXT_NAMES) if (request[name] !== '') cells.set(REQUEST_TEXTS[name], row, request[name]);
      cells.set('.st', row, request.status);
      cells.set('.tr', row, request.tries);
      if (request.synthetic) cells.set(SYNTHETIC, row, true);
      for (const name of PHASE_NAMES) {
        const ms = request.phases[name];
        if (ms !== undefined) cells.set(PHASES[name], row, ms);
      }
      if (request.requestBytes !== undefined) cells.set('.bi', row, request.requestBytes);
      if (request.responseBytes !== undefined) cells.set('.bo', row, request.responseBytes);
    }
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
  const durations = new Float64Array(count);
  const add = (name: string, scale: number): void => {
    const column = columns(name);
    if (column === undefined) return;
    for (let row = 0; row < count; row += 1) {
      const cell = cellAt(column, row);
      if (cell !== undefined) durations[row] += Math.round(number(cell) * scale);
    }
  };
  const whole = columns('.e');
  if (whole === undefined) return durations.map((_, row) => number(cellAt(columns('.d'), row)));
  add('.e', 1);
  for (const name of PHASE_NAMES) add(PHASES[name], 1000);
  return durations.map((duration) => duration / 1000);
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

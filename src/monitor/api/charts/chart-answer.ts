/**
 * `GET /api/charts`: the data of a chart, ready for a plot of a given width. It is the one way in which the page asks for
 * series over time. Up to eight expressions share one range; each has its own result or error, so one wrong expression
 * does not blank the others. Every result says how it was computed: the expression as evaluated, the step, the series and
 * samples read, and whether points were left out.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs } from '../../../base/units.ts';
import type { MatrixSeries, Querier, QueryOptions, QueryResult } from '../../../model/ports.ts';
import type { ChartAnswer, ChartQueryAnswer, ChartSeries } from './contract.ts';
import { numberFrom } from '../routes.ts';
import type { Matcher } from '../../../model/labels.ts';
import { matchersFrom, narrowed } from './narrowed.ts';
import { allSteps, downSample } from './down-sample.ts';
import type { Resolution } from './resolution.ts';
import { coarse, filledIn, finest } from './resolution.ts';
import { bucketRows, hasHistograms } from './native-buckets.ts';
import type { WatchedLimits } from './watched.ts';

const MAX_QUERIES = 8;
const MAX_EXPR_LENGTH = 16_384;
const MAX_SERIES = 100;
/** Each has at least four rows. */
const MAX_HISTOGRAMS = MAX_SERIES / 4;
/** Series read × points above which the finest evaluation is not made: about half a second of the engine. */
const MAX_FINE_WORK = 2_000_000;
const DEFAULT_WIDTH = 800;
const TIMEOUT_MS = 30_000;

export interface ChartSources {
  readonly querier: Querier;
  readonly limits: () => WatchedLimits;
  readonly clock: Clock;
}

interface Asked {
  readonly exprs: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly width: number;
  readonly leastStepMs: number;
  readonly maxSeries: number;
  readonly matchers: readonly Matcher[];
}

function askedFrom(query: URLSearchParams, nowMs: number): Asked {
  const exprs = query.getAll('expr');
  if (exprs.length === 0 || exprs.length > MAX_QUERIES || exprs.some(({ length }) => length > MAX_EXPR_LENGTH)) {
    throw new VitrineError('bad_request', `"expr" must be given 1 to ${MAX_QUERIES} times.`, {
      hint: `Each is PromQL of at most ${MAX_EXPR_LENGTH} characters.`,
    });
  }
  const toMs = numberFrom(query, 'to', { min: 0, max: 8.64e15, fallback: nowMs }) ?? nowMs;
  const fromMs = numberFrom(query, 'from', { min: 0, max: 8.64e15, fallback: toMs - 900_000 }) ?? toMs - 900_000;
  if (fromMs >= toMs) throw new VitrineError('bad_request', '"from" must be before "to".');
  const step = query.get('step');
  const leastStepMs = step === null ? 1_000 : parseDurationMs(step);
  if (leastStepMs === undefined || leastStepMs < 1_000) {
    throw new VitrineError('bad_request', '"step" must be a duration of at least 1s.', { hint: 'For example 15s.' });
  }
  const width = numberFrom(query, 'width', { min: 10, max: 8_192, fallback: DEFAULT_WIDTH }) ?? DEFAULT_WIDTH;
  const maxSeries = numberFrom(query, 'series', { min: 1, max: MAX_SERIES, fallback: MAX_SERIES }) ?? MAX_SERIES;
  return {
    exprs,
    fromMs,
    toMs,
    width: Math.floor(width),
    leastStepMs,
    maxSeries,
    matchers: matchersFrom(query.getAll('match')),
  };
}

function seriesOf({ labels, t, v }: MatrixSeries, grid: Resolution, width: number): ChartSeries {
  const steps = Array.from(t, (timeMs) => Math.round((timeMs - grid.startMs) / grid.stepMs));
  if (grid.count <= width * 4) return { labels: labels.toJSON(), values: allSteps(steps, v, grid.count) };
  return { labels: labels.toJSON(), ...downSample(steps, v, grid.count, width) };
}

const boundText = (bound: number): string =>
  bound === Infinity ? '+Inf' : bound === -Infinity ? '-Inf' : String(bound);

/** Series of numbers as they are, and of native histograms as rows of buckets, which have fewer points: there are many. */
function drawn(series: readonly MatrixSeries[], grid: Resolution, { width, maxSeries }: Asked): ChartSeries[] {
  const numbers = series.filter((one) => !hasHistograms(one));
  const rows = bucketRows(series.filter(hasHistograms).slice(0, MAX_HISTOGRAMS), maxSeries);
  return [
    ...numbers.map((one) => seriesOf(one, grid, width)),
    ...rows.map(({ from, to, ...row }) => ({
      ...seriesOf(row, grid, Math.ceil(width / 4)),
      bucket: [boundText(from), boundText(to)] as const,
    })),
  ];
}

/** The mean of the points, by which series are ranked when not all are sent. */
function weight({ v }: MatrixSeries): number {
  let sum = 0;
  for (const value of v) if (Number.isFinite(value)) sum += Math.abs(value);
  return v.length === 0 ? 0 : sum / v.length;
}

function ranked(series: readonly MatrixSeries[], limit: number): readonly MatrixSeries[] {
  if (series.length <= limit) return series;
  const kept = new Set([...series].sort((a, b) => weight(b) - weight(a)).slice(0, limit));
  return series.filter((one) => kept.has(one));
}

interface Evaluated {
  readonly result: QueryResult;
  readonly grid: Resolution;
  readonly expr: string;
  readonly fine: boolean;
}

/**
 * The finest evaluation that the query's cost allows. When it has more points than the plot can show, one point for each
 * pixel is evaluated first: that tells how many series the query reads.
 */
async function evaluated(querier: Querier, text: string, asked: Asked, options: QueryOptions): Promise<Evaluated> {
  const { fromMs, toMs, leastStepMs, width } = asked;
  const run = async (grid: Resolution, fine: boolean): Promise<Evaluated> => {
    const expr = narrowed(filledIn(text, grid), asked.matchers);
    return { expr, grid, fine, result: await querier.range(expr, grid.startMs, grid.endMs, grid.stepMs, options) };
  };
  const fine = finest(fromMs, toMs, leastStepMs);
  if (fine.count <= width * 4) return run(fine, true);
  const first = await run(coarse(fromMs, toMs, leastStepMs, width), false);
  const { value, read } = first.result;
  const series = read?.series ?? (value.kind === 'matrix' ? value.series.length * 10 : 1);
  return series * fine.count <= MAX_FINE_WORK ? run(fine, true) : first;
}

async function answerTo(
  text: string,
  asked: Asked,
  { querier, limits, clock }: ChartSources,
  signal: AbortSignal,
): Promise<ChartQueryAnswer> {
  const begunMs = clock.monotonic();
  try {
    const { result, grid, expr, fine } = await evaluated(querier, text, asked, { signal, timeoutMs: TIMEOUT_MS });
    const { value, warnings, infos, read } = result;
    const all = value.kind === 'matrix' ? value.series : [];
    const sent = ranked(all, asked.maxSeries);
    return {
      expr,
      startMs: grid.startMs,
      stepMs: grid.stepMs,
      count: grid.count,
      series: drawn(sent, grid, asked),
      seriesTotal: all.length,
      peaksKept: fine,
      limits: limits().of(text.replaceAll(/\$__(?:rate_interval|interval|range)\b/g, '1m')),
      tookMs: clock.monotonic() - begunMs,
      read: read ?? null,
      warnings,
      infos,
    };
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    const { code, message, hint } = error;
    const empty = finest(asked.fromMs, asked.toMs, asked.leastStepMs);
    return {
      expr: text,
      startMs: empty.startMs,
      stepMs: empty.stepMs,
      count: empty.count,
      series: [],
      seriesTotal: 0,
      peaksKept: true,
      limits: [],
      tookMs: clock.monotonic() - begunMs,
      read: null,
      warnings: [],
      infos: [],
      error: { code, message, hint: hint ?? '' },
    };
  }
}

/** @throws VitrineError `bad_request` */
export async function chartAnswer(
  query: URLSearchParams,
  sources: ChartSources,
  signal: AbortSignal,
): Promise<ChartAnswer> {
  const asked = askedFrom(query, sources.clock.now());
  const queries = await Promise.all(asked.exprs.map((expr) => answerTo(expr, asked, sources, signal)));
  return { fromMs: asked.fromMs, toMs: asked.toMs, width: asked.width, queries };
}

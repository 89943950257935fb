/**
 * The one way in which the page asks for series over time: the range of the page from `/api/charts` at the width of the
 * plot, then the newest point each second by the socket. Old data stays while new data loads.
 */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Query } from '../../../dashboards/panel.ts';
import { followingRange } from '../../../dashboards/panel.ts';
import type { ChartAnswer } from '../../../monitor/api/charts/contract.ts';
import { ApiError, getJson } from '../../state/api.ts';
import { epoch, results, unwatched, watch } from '../../state/connection.ts';
import { asked, isMoving, noteValueAt } from '../../state/range.ts';
import { pageState } from '../../state/router.ts';
import type { ChartData } from './chart-data.ts';
import { advanced, dataOf, firstOf } from './chart-data.ts';

export interface ChartQuestion {
  readonly queries: readonly Query[];
  /** Of the plot, in CSS pixels; 0 until it is known, and nothing is asked for before. */
  readonly width: number;
  /** One point for each step of the range, for bars and tables; otherwise as many points as the plot can show. */
  readonly points: 'steps' | 'all';
  /** Label matchers of the variables (`job=checkout`). */
  readonly matchers?: readonly string[];
  /** One point for each of these times, instead of the step of the range. */
  readonly everyMs?: number;
  /** The data of an earlier time, moved to the present range. */
  readonly earlierMs?: number;
  /** Instead of the range of the page. */
  readonly range?: { readonly fromMs: number; readonly toMs: number };
}

export interface ChartState {
  readonly data: ChartData | undefined;
  /** How each query was computed, and its error. */
  readonly answer: ChartAnswer | undefined;
  readonly error: Error | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** A plot that becomes a little wider needs no new data. */
const WIDTH_STEP = 100;
/** Over longer ranges a new point each second is not seen, and long windows are expensive: those are asked for each minute. */
const LONG_MS = 6 * 3_600_000;
const LONG_RELOAD_MS = 60_000;
/** What the socket does not send. */
const SHORT_RELOAD_MS = 15_000;
const NO_MATCHERS: readonly string[] = [];

function pathOf(question: ChartQuestion, width: number): string {
  const { queries, points, matchers = NO_MATCHERS, earlierMs = 0, range, everyMs } = question;
  const { fromMs, toMs, stepMs } = asked.peek();
  const span = range ?? { fromMs, toMs };
  const params = new URLSearchParams();
  for (const query of queries) params.append('expr', followingRange(query));
  for (const matcher of matchers) params.append('match', matcher);
  params.set('from', String(span.fromMs - earlierMs));
  params.set('to', String(span.toMs - earlierMs));
  params.set('width', String(width));
  const isShort = span.toMs - span.fromMs <= 300_000;
  if (everyMs !== undefined) params.set('step', `${everyMs / 1_000}s`);
  else if (points === 'steps' && range === undefined) params.set('step', `${stepMs / 1_000}s`);
  else params.set('step', isShort ? '5s' : '15s');
  return `/api/charts?${params}`;
}

/** An earlier time drawn over the present one. */
function moved(data: ChartData, byMs: number): ChartData {
  if (byMs === 0) return data;
  return {
    ...data,
    timesMs: data.timesMs.map((time) => time + byMs),
    fromMs: data.fromMs + byMs,
    toMs: data.toMs + byMs,
  };
}

function failureOf({ queries }: ChartAnswer): Error | undefined {
  const failed = queries.map(({ error }) => error).filter((error) => error !== undefined);
  if (failed.length < queries.length) return undefined;
  return new ApiError(422, failed[0].message, failed[0].hint, '');
}

type Loaded = Omit<ChartState, 'reload'>;
const NOTHING: Loaded = { data: undefined, answer: undefined, error: undefined, loading: true };

export function useChart(question: ChartQuestion): ChartState {
  const { queries, points, earlierMs = 0, range, matchers = NO_MATCHERS } = question;
  const [state, setState] = useState<Loaded>(NOTHING);
  const [turn, setTurn] = useState(0);
  const connection = epoch.value;
  const found = results.value;
  const { range: chosen, zone, live } = pageState.value;
  const width = Math.ceil(question.width / WIDTH_STEP) * WIDTH_STEP;
  const wanted = [chosen?.from, chosen?.to, zone, typeof live, range?.fromMs, range?.toMs, ...matchers].join('|');
  const isOwn = range === undefined && earlierMs === 0;
  const isLong = asked.value.toMs - asked.value.fromMs > LONG_MS || question.everyMs !== undefined;
  // The socket sends numbers; the buckets of native histograms are asked for again.
  const hasBuckets = state.data?.lines.some(({ bucket }) => bucket !== undefined) === true;
  const isLive = isOwn && !isLong && !hasBuckets;
  const exprs = useMemo(() => state.answer?.queries.map(({ expr }) => expr) ?? [], [state.answer]);
  const isAsked = isLong || hasBuckets || exprs.some((expr) => unwatched.value.has(expr));

  useEffect(() => {
    if (width === 0 || queries.length === 0) return undefined;
    const abort = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    getJson<ChartAnswer>(pathOf(question, width), abort.signal)
      .then((answer) => {
        const error = failureOf(answer);
        const data = moved(dataOf(answer, queries), earlierMs);
        if (isOwn) noteValueAt(firstOf(data));
        return setState({ data, answer, error, loading: false });
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        const known = error instanceof Error ? error : new Error('The query failed.');
        setState((old) => ({ ...old, error: known, loading: false }));
      });
    return () => abort.abort();
  }, [queries, points, connection, turn, wanted, width, earlierMs]);

  useEffect(() => {
    if (!isOwn || !isAsked) return undefined;
    const timer = window.setInterval(
      () => {
        if (isMoving.peek() && document.visibilityState === 'visible') setTurn((n) => n + 1);
      },
      isLong ? LONG_RELOAD_MS : SHORT_RELOAD_MS,
    );
    return () => clearInterval(timer);
  }, [isOwn, isLong, isAsked]);

  useEffect(() => (isLive && exprs.length > 0 ? watch(exprs) : undefined), [exprs, isLive]);
  useEffect(() => {
    if (!isLive || exprs.length === 0 || !isMoving.value) return;
    const { fromMs, mode } = asked.peek();
    setState((old) => {
      if (old.data === undefined) return old;
      const keepMs = mode === 'growing' ? old.data.fromMs : fromMs;
      return { ...old, data: advanced(old.data, queries, exprs, found, keepMs) };
    });
  }, [found, queries, exprs, isLive]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}

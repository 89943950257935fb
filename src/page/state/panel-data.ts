/** The data of a panel: the time range of the page from the query API, then its newest point each second by the socket. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Panel, Query } from '../../dashboards/panel.ts';
import { legendOf } from '../../dashboards/panel.ts';
import type { ExpressionResult } from '../../monitor/api/contract.ts';
import { getJson } from './api.ts';
import { epoch, results, watch } from './connection.ts';
import { asked, isMoving, noteValueAt } from './range.ts';
import { pageState } from './router.ts';
import { seriesToken } from './series-colour.ts';

const MAX_SERIES = 12;

export interface Line {
  readonly key: string;
  readonly name: string;
  /** Design token. */
  readonly colour: string;
  readonly main: boolean;
  readonly values: readonly (number | null)[];
}

export interface PanelData {
  readonly timesMs: readonly number[];
  readonly lines: readonly Line[];
}

export interface PanelState {
  readonly data: PanelData | undefined;
  readonly error: Error | undefined;
  readonly reload: () => void;
}

interface Matrix {
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] };
}

const finite = (text: string): number | null => {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
};

const keyOf = (query: Query, labels: Readonly<Record<string, string>>): string =>
  `${query.expr}\n${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

/** `name{label="value"}`, as Prometheus writes a series. */
export function seriesName({ __name__: name = '', ...labels }: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`;
}

function lineOf(query: Query, labels: Readonly<Record<string, string>>, values: readonly (number | null)[]): Line {
  const name = legendOf(query.legend, labels) || seriesName(labels);
  return {
    key: keyOf(query, labels),
    name,
    colour: query.colour ?? seriesToken(name),
    main: query.main ?? false,
    values,
  };
}

async function rangeOf(query: Query, timesMs: readonly number[], stepMs: number, signal: AbortSignal): Promise<Line[]> {
  const params = new URLSearchParams({
    query: query.expr,
    start: String(timesMs[0] / 1_000),
    end: String((timesMs.at(-1) ?? 0) / 1_000),
    step: String(stepMs / 1_000),
  });
  const { data } = await getJson<Matrix>(`/api/v1/query_range?${params}`, signal);
  return data.result.slice(0, MAX_SERIES).map(({ metric, values }) => {
    const at = new Map(values.map(([seconds, text]) => [Math.round(seconds * 1_000), finite(text)]));
    return lineOf(
      query,
      metric,
      timesMs.map((time) => at.get(time) ?? null),
    );
  });
}

/** The data with the newest results in their bucket; a bucket without data stays empty, a new series is a new line. Pure. */
export function advanced(
  data: PanelData,
  queries: readonly Query[],
  found: ReadonlyMap<string, ExpressionResult>,
  grows = false,
): PanelData {
  const newest = Math.max(0, ...queries.map(({ expr }) => found.get(expr)?.timeMs ?? 0));
  const last = data.timesMs.at(-1) ?? 0;
  const stepMs = last - (data.timesMs.at(-2) ?? last - 15_000);
  const step = Math.floor(newest / stepMs) * stepMs;
  if (step < last) return data;
  const shift = Math.min(data.timesMs.length, (step - last) / stepMs);
  const added = Array.from({ length: shift }, (_, at) => step - (shift - 1 - at) * stepMs);
  // A growing range keeps its start.
  const drop = grows ? 0 : shift;
  const values = new Map<string, number | null>();
  const lines = [...data.lines];
  const known = new Set(lines.map(({ key }) => key));
  for (const query of queries) {
    const series = found.get(query.expr)?.series ?? [];
    for (const { labels, value } of series) {
      const key = keyOf(query, labels);
      values.set(key, value);
      if (known.has(key) || value === null || lines.length >= MAX_SERIES * queries.length) continue;
      known.add(key);
      lines.push(
        lineOf(
          query,
          labels,
          data.timesMs.map(() => null),
        ),
      );
    }
  }
  return {
    timesMs: [...data.timesMs.slice(drop), ...added],
    lines: lines.map((line) => {
      const moved = [...line.values.slice(drop), ...added.map(() => null)];
      moved[moved.length - 1] = values.get(line.key) ?? moved[moved.length - 1];
      return { ...line, values: moved };
    }),
  };
}

/** Time of the earliest value, Infinity when there is none. Pure. */
export function firstOf({ timesMs, lines }: PanelData): number {
  return timesMs.find((_, at) => lines.some(({ values }) => values[at] !== null)) ?? Infinity;
}

/** The part from `sinceMs` on; all of it when that is undefined. Pure. */
export function since(data: PanelData, sinceMs: number | undefined): PanelData {
  const at = sinceMs === undefined ? 0 : data.timesMs.findIndex((time) => time >= sinceMs);
  if (at <= 0) return data;
  return {
    timesMs: data.timesMs.slice(at),
    lines: data.lines.map((line) => ({ ...line, values: line.values.slice(at) })),
  };
}

export function usePanel(panel: Panel): PanelState {
  const { queries } = panel;
  const [state, setState] = useState<Omit<PanelState, 'reload'>>({ data: undefined, error: undefined });
  const [turn, setTurn] = useState(0);
  const connection = epoch.value;
  const found = results.value;
  const { range, zone, live } = pageState.value;
  const wanted = `${range?.from}|${range?.to}|${zone}|${typeof live === 'number' ? live : ''}`;
  const latest = useRef(found);
  latest.current = found;
  const exprs = useMemo(() => queries.map(({ expr }) => expr), [queries]);

  useEffect(() => watch(exprs), [exprs]);
  useEffect(() => {
    const abort = new AbortController();
    const { fromMs, toMs, stepMs } = asked.peek();
    const timesMs = Array.from({ length: (toMs - fromMs) / stepMs + 1 }, (_, at) => fromMs + at * stepMs);
    Promise.all(queries.map((query) => rangeOf(query, timesMs, stepMs, abort.signal)))
      .then((found) => {
        const data = { timesMs, lines: found.flat() };
        noteValueAt(firstOf(data));
        return setState({ data, error: undefined });
      })
      .catch((error: unknown) => {
        if (abort.signal.aborted) return;
        const known = error instanceof Error ? error : new Error('The query failed.');
        setState((old) => ({ data: old.data, error: known }));
      });
    return () => abort.abort();
  }, [queries, connection, turn, wanted]);
  useEffect(() => {
    if (!isMoving.value) return;
    const grows = asked.peek().mode === 'growing';
    setState((old) => (old.data === undefined ? old : { ...old, data: advanced(old.data, queries, found, grows) }));
  }, [found, queries]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}

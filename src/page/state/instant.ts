/** The values of PromQL expressions at the end of the page's range, for tables and key figures. */
import { useMemo } from 'preact/hooks';
import type { Resource } from './api.ts';
import { getJson, useResource } from './api.ts';
import { isMoving, shown } from './range.ts';

export interface InstantRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The rows of each named expression. */
export type Instants<K extends string> = Readonly<Record<K, readonly InstantRow[]>>;

interface VectorAnswer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] };
}

/** A name or text as a PromQL string. */
export const quoted = (text: string): string => JSON.stringify(text);

async function rowsOf(expr: string, timeMs: number | undefined, signal: AbortSignal): Promise<readonly InstantRow[]> {
  const params = new URLSearchParams({ query: expr });
  if (timeMs !== undefined) params.set('time', String(timeMs / 1_000));
  const { data } = await getJson<VectorAnswer>(`/api/v1/query?${params}`, signal);
  return data.result
    .map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    .filter(({ value }) => Number.isFinite(value));
}

/** Evaluates all of `exprs` together, now and every `refreshMs` while the range moves. */
export function useInstants<K extends string>(
  exprs: Readonly<Record<K, string>>,
  refreshMs: number,
): Resource<Instants<K>> {
  const timeMs = isMoving.value ? undefined : shown.value.toMs;
  const names = Object.keys(exprs) as K[];
  const key = JSON.stringify([exprs, timeMs]);
  const load = useMemo(
    () =>
      async (signal: AbortSignal): Promise<Instants<K>> => {
        const rows = await Promise.all(names.map((name) => rowsOf(exprs[name], timeMs, signal)));
        return Object.fromEntries(names.map((name, at) => [name, rows[at]])) as unknown as Instants<K>;
      },
    [key],
  );
  return useResource(key, timeMs === undefined ? refreshMs : undefined, load);
}

/** The first value, null without one. */
export const single = (rows: readonly InstantRow[] | undefined): number | null => rows?.[0]?.value ?? null;

/** Rows by the value of one label, or of several together. */
export function byLabel(rows: readonly InstantRow[], ...labels: readonly string[]): ReadonlyMap<string, number> {
  return new Map(rows.map((row) => [labels.map((label) => row.labels[label] ?? '').join('\u0000'), row.value]));
}

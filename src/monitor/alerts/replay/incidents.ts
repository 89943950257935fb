/**
 * The incidents of a range: times at which alerts fired that people call an incident, from the series ALERTS, and those that
 * the caller names. Alerts whose times overlap, or nearly so, are one incident. Pure but for the query.
 */
import type { Labels } from '../../../model/labels.ts';
import type { MatrixSeries, Querier, QueryOptions } from '../../../model/ports.ts';
import { TRIAL_LABEL } from '../rules/spec.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import type { Episode, Range } from './episodes.ts';

export interface Incident {
  readonly fromMs: number;
  /** Absent while it lasts. */
  readonly toMs?: number | undefined;
  /** Names of its alerts, or the one that the caller gave. */
  readonly names: readonly string[];
}

export interface Judged extends Incident {
  /** When the rule fired for it; absent when it missed the incident. */
  readonly caughtAtMs?: number | undefined;
}

/** Alerts with a smaller distance belong to one incident; a rule may fire this long before it. */
const NEAR_MS = 300_000;
/** A series that ends earlier than this many steps before the range has ended. */
const LAST_STEPS = 2;

/** Episodes of all alerts that fired in the range, but for those of `except` and those on trial. */
export async function firedIn(
  { fromMs, toMs, stepMs }: Range,
  except: string,
  querier: Querier,
  options: QueryOptions,
): Promise<Episode[]> {
  const { value } = await querier.range('ALERTS{alertstate="firing"}', fromMs, toMs, stepMs, options);
  if (value.kind !== 'matrix') return [];
  return value.series
    .filter(({ labels }) => labels.get('alertname') !== except && labels.get(TRIAL_LABEL) !== 'true')
    .flatMap((series) => spansOf(series, toMs, stepMs));
}

function spansOf({ labels, t, v }: MatrixSeries, toMs: number, stepMs: number): Episode[] {
  const own: Labels = labels.with(METRIC_NAME, '').with('alertstate', '');
  const spans: Episode[] = [];
  for (let first = 0, i = 1; i <= t.length; i += 1) {
    if (i < t.length && t[i] - t[i - 1] <= stepMs * 1.5) continue;
    const lasts = i === t.length && toMs - t[i - 1] < LAST_STEPS * stepMs;
    const endedAtMs = lasts ? undefined : t[i - 1] + stepMs;
    spans.push({ labels: own, pendingAtMs: t[first], firedAtMs: t[first], endedAtMs, value: v[first] });
    first = i;
  }
  return spans;
}

export function incidentsOf(episodes: readonly Episode[], known: readonly Incident[]): Incident[] {
  const spans = [
    ...known,
    ...episodes.map(({ labels, pendingAtMs, endedAtMs }) => ({
      fromMs: pendingAtMs,
      toMs: endedAtMs,
      names: [labels.get('alertname')],
    })),
  ].sort((a, b) => a.fromMs - b.fromMs);
  const merged: Incident[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last === undefined || span.fromMs > (last.toMs ?? Infinity) + NEAR_MS) {
      merged.push(span);
      continue;
    }
    const toMs = last.toMs === undefined || span.toMs === undefined ? undefined : Math.max(last.toMs, span.toMs);
    merged[merged.length - 1] = { fromMs: last.fromMs, toMs, names: [...new Set([...last.names, ...span.names])] };
  }
  return merged;
}

/** Which incidents the rule found: it fired during the incident, or shortly before. */
export function judged(incidents: readonly Incident[], episodes: readonly Episode[]): Judged[] {
  return incidents.map((incident) => {
    const { fromMs, toMs = Infinity } = incident;
    const [first] = episodes
      .filter(
        ({ firedAtMs, endedAtMs = Infinity }) =>
          firedAtMs !== undefined && firedAtMs <= toMs && endedAtMs >= fromMs - NEAR_MS,
      )
      .map(({ firedAtMs }) => firedAtMs)
      .sort((a = 0, b = 0) => a - b);
    return first === undefined ? incident : { ...incident, caughtAtMs: first };
  });
}

/**
 * Continues the work of the previous monitor on the same store and state: its time, when the clock was set back a little, its
 * log windows and its alerts. What it exported as gauges ends now: a dead process has no temperature, and until the new
 * process has collected its own figures, rules and page would take the old ones for present.
 */
import { METRIC_NAME, type Labels, type Matcher } from '../../model/labels.ts';
import { prometheusMetricName } from '../../model/naming.ts';
import type { Series } from '../../model/series.ts';
import { SampleColumns } from '../../monitor/ingest/metrics/sample-columns.ts';
import { LOG_SERIES, logHistory } from '../../monitor/ingest/lines/log-history.ts';
import { AHEAD_MS } from '../../monitor/store/upkeep/options.ts';
import { METRICS } from '../../telemetry/names.ts';
import type { SteadyClock } from '../../base/clock.ts';
import type { MonitorParts } from './parts.ts';

const { name, unit, kind } = METRICS.componentUptime;
const UPTIME = prometheusMetricName(name, unit, kind);
/** How far back the previous monitor is searched, as long as alerts are taken over. */
const OUTAGE_MS = 3_600_000;
/** An older gauge has left the look-back of instant queries. */
const LOOKBACK_MS = 300_000;

const equals = (label: string, value: string): Matcher => ({ name: label, op: '=', value });

export async function goOn(
  clock: SteadyClock,
  { store, windows, rules }: Pick<MonitorParts, 'store' | 'windows' | 'rules'>,
): Promise<void> {
  const startedMs = clock.now();
  const uptimes = await store.select(
    [equals(METRIC_NAME, UPTIME), equals('vitrine_component', 'monitor')],
    startedMs - OUTAGE_MS,
    startedMs + AHEAD_MS,
  );
  let downAtMs = -Infinity;
  for (const { samples } of uptimes) downAtMs = Math.max(downAtMs, samples.t[samples.t.length - 1]);
  if (downAtMs > -Infinity) clock.notBefore(downAtMs + 1);
  const history = await logHistory(store, clock.now());
  if (history !== undefined) windows.restore(history, clock.now());
  await endGauges(
    store,
    uptimes.map(({ labels }) => labels),
    clock.now(),
  );
  rules.goOn(downAtMs);
}

/** Writes a stale marker to every gauge of the processes and of the log windows. */
async function endGauges(store: MonitorParts['store'], processes: readonly Labels[], nowMs: number): Promise<void> {
  const gauges = new Set((await store.metadata()).filter(({ type }) => type === 'gauge').map((entry) => entry.name));
  const columns = new SampleColumns();
  const end = ({ labels, samples }: Series): void => {
    const last = samples.t.length - 1;
    if (last < 0 || samples.stale?.[last] === 1 || samples.t[last] >= nowMs) return;
    columns.add(store.resolve(labels), nowMs, Number.NaN, true, 0);
  };
  for (const labels of processes) {
    const own = ['job', 'instance'].map((label) => equals(label, labels.get(label)));
    for (const series of await store.select(own, nowMs - LOOKBACK_MS, nowMs))
      if (gauges.has(series.labels.name)) end(series);
  }
  for (const series of [LOG_SERIES.ratio, LOG_SERIES.rate])
    for (const one of await store.select([equals(METRIC_NAME, series)], nowMs - LOOKBACK_MS, nowMs)) end(one);
  if (!columns.isEmpty) await store.append(columns.batch());
}

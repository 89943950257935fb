/** The log windows of the previous run of the monitor, read from the series that it wrote each second. */
import { METRIC_NAME } from '../../../model/labels.ts';
import { prometheusMetricName } from '../../../model/naming.ts';
import type { SampleSource } from '../../../model/ports.ts';
import type { Series } from '../../../model/series.ts';
import { METRICS } from '../../../telemetry/names.ts';

const seriesName = ({ name, unit, kind }: (typeof METRICS)[keyof typeof METRICS]): string =>
  prometheusMetricName(name, unit, kind);

export const LOG_SERIES = {
  ratio: seriesName(METRICS.logErrorRatio),
  rate: seriesName(METRICS.logRate),
  lastSeen: seriesName(METRICS.logLastSeen),
  firstSeen: seriesName(METRICS.logFirstSeen),
  formerRun: seriesName(METRICS.logFormerRun),
  records: seriesName(METRICS.logRecords),
};

export interface ServiceHistory {
  readonly service: string;
  readonly lastSeenMs: number;
  readonly firstSeenMs: number;
  /** The longest of its earlier short runs. */
  readonly formerRunMs: number | undefined;
  /** All lines so far, by severity. */
  readonly totals: ReadonlyMap<string, number>;
  /** Lines of the last minute in order of time. */
  readonly lines: readonly { readonly timeMs: number; readonly severity: string; readonly count: number }[];
}

export interface LogHistory {
  readonly services: readonly ServiceHistory[];
  /** When the last window was written. */
  readonly endMs: number;
}

const WINDOW_MS = 60_000;
const LOOK_BACK_MS = 3_600_000;

/** Undefined when no window was written in the last hour. */
export async function logHistory(source: SampleSource, nowMs: number): Promise<LogHistory | undefined> {
  const select = async (name: string, fromMs: number): Promise<readonly Series[]> =>
    source.select([{ name: METRIC_NAME, op: '=', value: name }], fromMs, nowMs);
  const seen = await select(LOG_SERIES.lastSeen, nowMs - LOOK_BACK_MS);
  const began = await select(LOG_SERIES.firstSeen, nowMs - LOOK_BACK_MS);
  const former = await select(LOG_SERIES.formerRun, nowMs - LOOK_BACK_MS);
  // Two seconds more than the window, because an increase needs the sample before the window.
  const records = await select(LOG_SERIES.records, nowMs - WINDOW_MS - 2_000);
  const totals = await select(LOG_SERIES.records, nowMs - LOOK_BACK_MS);
  let endMs = -Infinity;
  const services = seen.map(({ labels, samples }): ServiceHistory => {
    const service = labels.get('service');
    const last = samples.t.length - 1;
    endMs = Math.max(endMs, samples.t[last]);
    const own = (list: readonly Series[]): readonly Series[] =>
      list.filter((series) => series.labels.get('service') === service);
    const formerRun = own(former)[0]?.samples.v.at(-1);
    return {
      service,
      lastSeenMs: samples.v[last] * 1_000,
      firstSeenMs: (own(began)[0]?.samples.v.at(-1) ?? samples.v[0]) * 1_000,
      formerRunMs: formerRun === undefined ? undefined : formerRun * 1_000,
      totals: new Map(
        own(totals).map((series) => [series.labels.get('severity'), series.samples.v[series.samples.v.length - 1]]),
      ),
      lines: own(records)
        .flatMap(increases)
        .sort((a, b) => a.timeMs - b.timeMs),
    };
  });
  return services.length === 0 ? undefined : { services, endMs };
}

/** Each sample holds the lines of the second before it. */
function increases({ labels, samples: { t, v } }: Series): ServiceHistory['lines'][number][] {
  const lines: ServiceHistory['lines'][number][] = [];
  for (let i = 1; i < t.length; i += 1) {
    const count = v[i] - v[i - 1];
    if (count > 0) lines.push({ timeMs: t[i], severity: labels.get('severity'), count });
  }
  return lines;
}

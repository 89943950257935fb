/**
 * What happened in a range, for the marks on charts: deploys, restarts, reloads and firing alerts are found in the series
 * themselves (so they are there for any sender and for the past), the others are annotations. Every kind is found on its
 * own; one that fails is named in `warnings` and leaves the others. Pure but for the queries.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Labels } from '../../../model/labels.ts';
import type { MatrixSeries, Querier } from '../../../model/ports.ts';
import type { Annotation } from '../../store/state/annotations.ts';
import type { Mark, MarkKind, MarksAnswer } from './contract.ts';
import { gridOf, roundStep } from './resolution.ts';

export const MAX_MARKS = 500;
const TIMEOUT_MS = 10_000;
const POINTS = 1_000;
/** Two start times of one process that differ by less are one start: uptimes are rounded, and clocks drift. */
const SAME_START_MS = 5_000;
/** How far before the range a version is looked for: a version that is new in the range has another one before it. */
const BEFORE_MS = 300_000;
const MAX_TEXT = 200;

const short = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text);

/** The name of a service without its namespace, and of an instance beside it. */
const serviceIn = (labels: Labels): string => labels.get('job') || labels.get('instance');

const moment = (kind: MarkKind, timeMs: number, text: string, subject: string): Mark => ({
  kind,
  timeMs,
  endMs: null,
  text: short(text),
  subject: short(subject),
  tags: [],
  id: null,
});

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The first appearance of each version of a service that had another version before. */
export function deploysIn(series: readonly MatrixSeries[], { fromMs, toMs }: Range): Mark[] {
  const firsts = Map.groupBy(
    series
      .filter(({ t }) => t.length > 0)
      .map(({ labels, t }) => ({ service: serviceIn(labels), version: labels.get('service_version'), timeMs: t[0] })),
    ({ service }) => service,
  );
  return [...firsts].flatMap(([service, versions]) =>
    versions
      .sort((a, b) => a.timeMs - b.timeMs)
      .slice(1)
      .filter(({ timeMs }, at) => timeMs >= fromMs && timeMs <= toMs && timeMs > versions[at].timeMs)
      .map(({ version, timeMs }) => moment('deploy', timeMs, version, service)),
  );
}

/** Changes of the start time of each process, which is the time of a sample minus its uptime. */
export function restartsIn(series: readonly MatrixSeries[], { fromMs, toMs }: Range): Mark[] {
  return series.flatMap(({ labels, t, v }) => {
    const found: Mark[] = [];
    for (let i = 1; i < t.length; i += 1) {
      const startMs = t[i] - v[i] * 1_000;
      const isLater = startMs > t[i - 1] - v[i - 1] * 1_000 + SAME_START_MS;
      if (!isLater || v[i] > v[i - 1] || startMs < fromMs || startMs > toMs) continue;
      found.push(moment('restart', startMs, `${serviceIn(labels)} restarted`, labels.get('instance')));
    }
    return found;
  });
}

/** Values of a time of the last reload that differ from the one before. */
export function reloadsIn(series: readonly MatrixSeries[], { fromMs, toMs }: Range): Mark[] {
  return series.flatMap(({ labels, v }) => {
    const times = [...new Set(v)].map((seconds) => seconds * 1_000).filter((ms) => ms >= fromMs && ms <= toMs);
    return times.map((timeMs) =>
      moment('reload', timeMs, `${serviceIn(labels)} reloaded its configuration`, labels.get('instance')),
    );
  });
}

/** The runs of an alert without a gap longer than two steps, as bars. */
export function firingIn(series: readonly MatrixSeries[], stepMs: number): Mark[] {
  return series.flatMap(({ labels, t }) => {
    const bars: Mark[] = [];
    let startMs = t[0];
    const name = labels.get('alertname');
    const subject = labels.get('service') || labels.get('instance') || labels.get('job');
    for (let i = 0; i < t.length; i += 1) {
      const isEnd = i === t.length - 1 || t[i + 1] - t[i] > 2 * stepMs;
      if (!isEnd) continue;
      const severity = labels.get('severity');
      bars.push({ ...moment('alert', startMs, name, subject), endMs: t[i], tags: severity === '' ? [] : [severity] });
      startMs = t[i + 1];
    }
    return bars;
  });
}

function kindOf(tags: readonly string[]): MarkKind {
  const kinds: readonly MarkKind[] = ['deploy', 'restart', 'reload', 'drill', 'load'];
  return kinds.find((kind) => tags.includes(kind)) ?? 'note';
}

export const markOf = ({ id, timeMs, endMs, text, tags }: Annotation): Mark => ({
  kind: kindOf(tags),
  timeMs,
  endMs: endMs === timeMs ? null : endMs,
  text: short(text),
  subject: '',
  tags,
  id,
});

const QUERIES: readonly {
  readonly what: string;
  readonly expr: string;
  readonly find: (series: readonly MatrixSeries[], range: Range, stepMs: number) => Mark[];
}[] = [
  {
    what: 'deploys',
    expr: 'group by (job, service_version) (target_info{service_version!=""})',
    find: deploysIn,
  },
  {
    what: 'restarts',
    expr: 'max by (job, instance) (process_uptime_seconds) or max by (job, instance) (time() - process_start_time_seconds)',
    find: restartsIn,
  },
  {
    what: 'reloads',
    expr: 'max by (job, instance) (vitrine_config_last_reload_success_timestamp_seconds)',
    find: reloadsIn,
  },
  {
    what: 'alerts',
    expr: 'max by (alertname, severity, service, job, instance) (ALERTS{alertstate="firing"})',
    find: (series, _, stepMs) => firingIn(series, stepMs),
  },
];

/** The marks of a range, oldest first; when there are more than `MAX_MARKS`, the newest. */
export async function marksIn(
  querier: Querier,
  annotations: readonly Annotation[],
  range: Range,
  signal: AbortSignal,
): Promise<MarksAnswer> {
  const stepMs = roundStep(Math.max(1_000, (range.toMs - range.fromMs) / POINTS));
  const grid = gridOf(range.fromMs - BEFORE_MS, range.toMs, stepMs);
  const warnings: string[] = [];
  const found = await Promise.all(
    QUERIES.map(async ({ what, expr, find }): Promise<Mark[]> => {
      try {
        const { value } = await querier.range(expr, grid.startMs, grid.endMs, stepMs, {
          signal,
          timeoutMs: TIMEOUT_MS,
        });
        return value.kind === 'matrix' ? find(value.series, range, stepMs) : [];
      } catch (error) {
        if (!(error instanceof VitrineError)) throw error;
        warnings.push(`${what}: ${error.message}`);
        return [];
      }
    }),
  );
  const inRange = found.flat().filter(({ timeMs, endMs }) => (endMs ?? timeMs) >= range.fromMs && timeMs <= range.toMs);
  const all = [...inRange, ...annotations.map(markOf)].sort((a, b) => a.timeMs - b.timeMs);
  return { marks: all.slice(-MAX_MARKS), more: all.length > MAX_MARKS, warnings };
}

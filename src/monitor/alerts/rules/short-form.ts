/**
 * Alerts in the short form of vitrine.yaml, `{ name, metric, above: 200ms, over: 1m, severity }`, as rules in PromQL. Each
 * metric is one expression over the last `over`. Without traffic an expression has no value, so no alert fires.
 */
import { VitrineError } from '../../../base/errors.ts';
import { formatDurationMs, parseDurationMs, parseRatio, parseSizeBytes } from '../../../base/units.ts';
import { prometheusMetricName } from '../../../model/naming.ts';
import type { MetricName } from '../../../telemetry/names.ts';
import { METRICS } from '../../../telemetry/names.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';
import type { AlertingSpec } from './spec.ts';
import { compileText } from './template/expand.ts';

export interface ShortForm {
  readonly name: string;
  /** One of SHORT_METRICS; or give `expr`. */
  readonly metric?: string | undefined;
  /** PromQL that is the whole condition. */
  readonly expr?: string | undefined;
  /** `200ms`, `10%`, `0.1`, `64MiB` or `100`: a time or a size needs its unit. */
  readonly above?: string | number | undefined;
  readonly below?: string | number | undefined;
  /** The range over which the figure is computed; default 1m. */
  readonly over?: string | undefined;
  /** `0` is `0s`. */
  readonly for?: string | 0 | undefined;
  /** Default warning. */
  readonly severity?: string | undefined;
}

type Unit = 'seconds' | 'ratio' | 'bytes' | 'number';

interface ShortMetric {
  readonly unit: Unit;
  readonly title: string;
  readonly expr: (over: string) => string;
}

const nameOf = ({ name, unit, kind }: MetricName): string => prometheusMetricName(name, unit, kind);
const DURATION = nameOf(METRICS.httpServerDuration);
const LOOKUPS = nameOf(METRICS.cacheLookups);
const BALANCER = 'job="vitrine-balancer"';
const BY = 'sum by (job, instance)';

const quantile = (q: number, title: string): ShortMetric => ({
  unit: 'seconds',
  title,
  expr: (over) =>
    `histogram_quantile(${q}, sum by (job, instance, le) (rate(${DURATION}_bucket{${BALANCER}}[${over}])))`,
});

export const SHORT_METRICS: Readonly<Record<string, ShortMetric>> = {
  response_time_avg: {
    unit: 'seconds',
    title: 'average response time',
    expr: (over) =>
      `${BY} (rate(${DURATION}_sum{${BALANCER}}[${over}])) / ${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  response_time_p50: quantile(0.5, 'median response time'),
  response_time_p95: quantile(0.95, '95th percentile of the response time'),
  response_time_p99: quantile(0.99, '99th percentile of the response time'),
  error_rate: {
    unit: 'ratio',
    title: 'share of failed requests',
    expr: (over) =>
      `${BY} (rate(${DURATION}_count{${BALANCER},http_response_status_code=~"5.."}[${over}])) / ${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  request_rate: {
    unit: 'number',
    title: 'number of requests a second',
    expr: (over) => `${BY} (rate(${DURATION}_count{${BALANCER}}[${over}]))`,
  },
  cache_hit_ratio: {
    unit: 'ratio',
    title: 'cache hit ratio',
    // A cache without any hit has no series of hits; `or 0 *` keeps its hit ratio of 0 in the result.
    expr: (over) =>
      `(sum by (vitrine_cache_name) (rate(${LOOKUPS}{vitrine_cache_result=~"hit|stale"}[${over}])) or 0 * sum by (vitrine_cache_name) (rate(${LOOKUPS}[${over}]))) / sum by (vitrine_cache_name) (rate(${LOOKUPS}{vitrine_cache_result=~"hit|miss|stale"}[${over}]))`,
  },
  cache_size: {
    unit: 'bytes',
    title: 'size of the cache',
    expr: (over) => `max_over_time(${nameOf(METRICS.cacheSize)}[${over}])`,
  },
  queue_size: {
    unit: 'number',
    title: 'number of requests waiting for an upstream',
    expr: (over) => `max_over_time(${nameOf(METRICS.queueSize)}[${over}])`,
  },
  upstreams_up: {
    unit: 'number',
    title: 'number of upstreams that take traffic',
    expr: (over) => `sum(min_over_time(${nameOf(METRICS.upstreamUp)}[${over}]))`,
  },
  log_error_ratio: { unit: 'ratio', title: 'share of error lines', expr: () => nameOf(METRICS.logErrorRatio) },
  log_rate: { unit: 'number', title: 'number of log lines a minute', expr: () => nameOf(METRICS.logRate) },
  service_silence: {
    unit: 'seconds',
    title: 'time since the last log line',
    expr: () => `time() - ${nameOf(METRICS.logLastSeen)}`,
  },
};

/** The metric whose name is most similar to the word. */
function nearest(word: string): string {
  const letters = new Set(word);
  const score = (name: string): number => {
    const shared = word.split('_').filter((part) => name.includes(part)).length;
    return shared * 10 + Array.from(new Set(name)).filter((letter) => letters.has(letter)).length;
  };
  return Object.keys(SHORT_METRICS).sort((a, b) => score(b) - score(a))[0];
}

const invalid = (name: string, message: string, hint: string): VitrineError =>
  new VitrineError('config_invalid', `alert ${JSON.stringify(name)}: ${message}`, { hint });

function threshold({ name }: ShortForm, text: string | number, unit: Unit): number {
  const given = String(text);
  const parsed: Record<Unit, () => number | undefined> = {
    seconds: () => divided(parseDurationMs(given), 1_000),
    ratio: () => parseRatio(given),
    bytes: () => parseSizeBytes(given),
    number: () => (/^-?\d+(?:\.\d+)?$/.test(given) ? Number(given) : undefined),
  };
  const value = parsed[unit]() ?? (Number(given) === 0 && given.trim() !== '' ? 0 : undefined);
  if (value !== undefined) return value;
  const examples: Record<Unit, string> = { seconds: '200ms', ratio: '10%', bytes: '64MiB', number: '100' };
  const hint = `Write it like ${examples[unit]}.`;
  throw /^-?\d+(?:\.\d+)?$/.test(given) && unit !== 'ratio'
    ? invalid(name, `${given} has no unit`, hint)
    : invalid(name, `${JSON.stringify(given)} is no threshold for this metric`, hint);
}

/** No figure is below 0 and no ratio is above 1, so some thresholds would always or never be crossed. */
function checkReach({ name, above, below }: ShortForm, limit: number, unit: Unit): void {
  const most = unit === 'ratio' ? 1 : Infinity;
  const shown = JSON.stringify(above ?? below);
  const can = `The figure is between 0 and ${unit === 'ratio' ? '100%' : 'any number'}.`;
  const never = above === undefined ? limit <= 0 : limit >= most;
  const always = above === undefined ? limit > most : limit < 0;
  if (never) throw invalid(name, `${above === undefined ? 'below' : 'above'} ${shown} never holds`, can);
  if (always) throw invalid(name, `${above === undefined ? 'below' : 'above'} ${shown} always holds`, can);
}

const divided = (value: number | undefined, by: number): number | undefined =>
  value === undefined ? undefined : value / by;

function duration({ name }: ShortForm, field: string, text: string | 0): number {
  const ms = text === 0 || text === '0' ? 0 : parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw invalid(name, `${field} ${JSON.stringify(text)} is no duration`, 'Write it like 30s or 1m.');
}

const SHOWN: Readonly<Record<Unit, string>> = {
  seconds: 'humanizeDuration',
  ratio: 'humanizePercentage',
  bytes: 'humanize1024',
  number: 'humanize',
};

function metricOf({ name, metric }: ShortForm): ShortMetric {
  if (metric === undefined) {
    throw invalid(name, 'metric or expr is missing', 'Give a metric with above or below, or an expr.');
  }
  if (Object.hasOwn(SHORT_METRICS, metric)) return SHORT_METRICS[metric];
  throw invalid(name, `there is no metric ${JSON.stringify(metric)}`, `Did you mean ${nearest(metric)}?`);
}

function overOf(entry: ShortForm): number {
  const overMs = duration(entry, 'over', entry.over ?? '1m');
  if (overMs <= 0) throw invalid(entry.name, 'over must be longer than 0', 'Write it like 1m.');
  return overMs;
}

function limitOf(entry: ShortForm): number {
  const { name, above, below } = entry;
  const { unit } = metricOf(entry);
  const given = above ?? below;
  if (given === undefined || (above !== undefined && below !== undefined)) {
    throw invalid(name, 'one of above and below is needed', 'Give the threshold as above or as below.');
  }
  const limit = threshold(entry, given, unit);
  checkReach(entry, limit, unit);
  return limit;
}

function forOf(entry: ShortForm): number {
  return entry.for === undefined ? 0 : duration(entry, 'for', entry.for);
}

/** The whole condition as PromQL, in the printer's form. */
function canonical({ name }: ShortForm, expr: string): string {
  try {
    return print(parse(expr));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new VitrineError('config_invalid', `alert ${JSON.stringify(name)}: ${message}`, { cause: error });
  }
}

function standsAlone({ name, metric, above, below }: ShortForm): void {
  if (metric === undefined && above === undefined && below === undefined) return;
  throw invalid(name, 'expr stands alone', 'Remove metric, above and below, or remove expr.');
}

type Field = 'metric' | 'expr' | 'above' | 'below' | 'over' | 'for';

/** Each part of an entry that can be wrong on its own, and the field that the message names. */
function partsOf(entry: ShortForm): readonly (readonly [Field, () => unknown])[] {
  const { expr, above, below } = entry;
  const times = [['for', () => forOf(entry)]] as const;
  if (expr !== undefined) return [['expr', () => standsAlone(entry)], ['expr', () => canonical(entry, expr)], ...times];
  const metric = [['metric', () => metricOf(entry)]] as const;
  const known = entry.metric !== undefined && Object.hasOwn(SHORT_METRICS, entry.metric);
  const limit = [[above === undefined && below !== undefined ? 'below' : 'above', () => limitOf(entry)]] as const;
  return [...metric, ...(known ? limit : []), ['over', () => overOf(entry)], ...times];
}

export interface ShortFormProblem {
  readonly field: Field;
  readonly message: string;
}

/** Everything that is wrong with an entry. */
export function shortFormProblems(entry: ShortForm): ShortFormProblem[] {
  return partsOf(entry).flatMap(([field, part]) => {
    try {
      part();
      return [];
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      return [{ field, message: error.hint === undefined ? error.message : `${error.message}. ${error.hint}` }];
    }
  });
}

function conditionOf(entry: ShortForm): { expr: string; summary: string } {
  const { above, below } = entry;
  if (entry.expr !== undefined) {
    standsAlone(entry);
    return { expr: entry.expr, summary: 'The value is {{ $value | humanize }}' };
  }
  const known = metricOf(entry);
  const limit = limitOf(entry);
  const [operator, word] = above === undefined ? ['<', 'below'] : ['>', 'above'];
  return {
    expr: `${known.expr(formatDurationMs(overOf(entry)))} ${operator} ${formatGeneral(limit)}`,
    summary: `The ${known.title} is {{ $value | ${SHOWN[known.unit]} }}, ${word} ${above ?? below}`,
  };
}

/** Throws VitrineError `config_invalid`. */
export function shortFormRule(entry: ShortForm): AlertingSpec {
  const { expr, summary } = conditionOf(entry);
  const severity = entry.severity ?? 'warning';
  return {
    kind: 'alerting',
    name: entry.name,
    expr: canonical(entry, expr),
    forMs: forOf(entry),
    keepFiringForMs: 0,
    labels: [{ name: 'severity', source: severity, text: { kind: 'plain', text: severity } }],
    annotations: [{ name: 'summary', source: summary, text: compileText(summary) }],
  };
}

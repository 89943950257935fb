/**
 * An objective as a Prometheus rule file: error ratios over several windows under Sloth's names, and alerts on burn rates over two
 * windows each (Google, The Site Reliability Workbook, chapter 5). The file runs on either engine.
 */
import { stringify } from 'yaml';
import { parseDurationMs, parseRatio } from '../../../base/units.ts';
import { FASTEST_BURN, type ObjectiveConfig } from './schema.ts';

interface Burn {
  readonly alert: 'SloFastBurn' | 'SloBurn' | 'SloSlowBurn' | 'SloTrickle';
  readonly factor: number;
  readonly long: string;
  readonly short: string;
  readonly severity: 'critical' | 'warning';
}

export const BURNS: readonly Burn[] = [
  { alert: 'SloFastBurn', factor: FASTEST_BURN, long: '1h', short: '5m', severity: 'critical' },
  { alert: 'SloBurn', factor: 6, long: '6h', short: '30m', severity: 'critical' },
  { alert: 'SloSlowBurn', factor: 3, long: '1d', short: '2h', severity: 'warning' },
  { alert: 'SloTrickle', factor: 1, long: '3d', short: '6h', severity: 'warning' },
];
/** Longer windows change slowly, and are expensive: they are evaluated less often. */
const FAST = ['5m', '30m', '1h'];
const SLOW = ['2h', '6h', '1d', '3d'];
const LEAST_BAD = 3;

/** The budget: the share of events that may be bad. */
export const budgetOf = ({ objective }: ObjectiveConfig): number =>
  Number((1 - (parseRatio(objective) ?? 0)).toPrecision(12));

interface Indicator {
  /** Error ratio over a window. */
  readonly ratio: (window: string) => string;
  /** Bad events in a window. */
  readonly bad: (window: string) => string;
  /** A series that is there while the indicator has data. */
  readonly series: string;
  /** Present while the indicator can have no value. */
  readonly absent: string;
}

const quoted = (text: string): string => JSON.stringify(text);

/** The series of one objective that its rules record. */
function recordedOf(name: string): Readonly<Record<'ratio' | 'bad', (over: string) => string>> {
  const series = (metric: string) => (over: string) => `slo:${metric}${over}{slo=${quoted(name)}}`;
  return { ratio: series('sli_error:ratio_rate'), bad: series('sli_bad:increase') };
}

/** Of a pair of counters, as PromQL with `$window`. */
function pairIndicator(good: string, total: string): Pick<Indicator, 'ratio' | 'bad'> {
  const at = (text: string, window: string): string => `(${text.replaceAll('$window', window)})`;
  return {
    ratio: (window) => `1 - (${at(good, window)} / (${at(total, window)} > 0))`,
    bad: (window) => `${at(total, window)} - ${at(good, window)}`,
  };
}

function indicatorOf({ name, target, promql, requests }: ObjectiveConfig): Indicator {
  if (promql !== undefined) {
    const { good, total } = promql;
    const absent = `absent(${total.replaceAll('$window', '10m')})`;
    // Of any expression only what is recorded of it is a series.
    return { ...pairIndicator(good, total), series: recordedOf(name).ratio('5m'), absent };
  }
  if (requests !== undefined) {
    const events = (more: string): string => `vitrine_slo_events_total{slo=${quoted(name)}${more}}`;
    const sum = (more: string): string => `sum(increase(${events(more)}[$window]))`;
    // The counter is there without a request. A filter that no request matches for a day is a mistake, or nothing to watch.
    const unused = `sum(increase(${events('')}[1d])) == 0 and on () count(${events('')} offset 1d)`;
    return {
      ...pairIndicator(sum(',result="good"'), sum('')),
      bad: (window) => `sum(increase(${events(',result="bad"')}[${window}]))`,
      series: events(''),
      absent: `absent(${events('')}) or (${unused})`,
    };
  }
  const up = `vitrine_target_up{target=${quoted(target ?? '')}}`;
  return {
    ratio: (window) => `1 - avg_over_time(${up}[${window}])`,
    bad: (window) => `count_over_time(${up}[${window}]) - sum_over_time(${up}[${window}])`,
    series: up,
    absent: `absent(${up})`,
  };
}

/** The share of bad events over a window as PromQL. */
export const badQuery = (config: ObjectiveConfig, window: string): string =>
  `max(${indicatorOf(config).ratio(window)})`;

const half = (window: string): string => `${(parseDurationMs(window) ?? 0) / 2_000}s`;

/**
 * A few events are no measure: enough bad ones must be there, and data from half of the window ago. The ten minutes reach over
 * a restart.
 */
function enough(config: ObjectiveConfig, over: string): string {
  const { series } = indicatorOf(config);
  const before = `count(count_over_time(${series}[10m] offset ${half(over)}))`;
  return `on (slo) ${recordedOf(config.name).bad(over)} >= ${LEAST_BAD} and on () ${before}`;
}

function burnAlerts(config: ObjectiveConfig): object[] {
  const { name, objective } = config;
  const budget = budgetOf(config);
  const { ratio } = recordedOf(name);
  const burning = ({ factor, long, short }: Burn): string => {
    const limit = Number((factor * budget).toPrecision(10));
    return `(${ratio(long)} > ${limit} and on (slo) ${ratio(short)} > ${limit})`;
  };
  return BURNS.map((burn, at) => ({
    alert: burn.alert,
    // A faster burn that pages inhibits the slower ones. One that may not page yet does not.
    expr:
      `${burning(burn)} and ${enough(config, burn.long)}` +
      BURNS.slice(0, at)
        .map((one) => ` unless on (slo) (${burning(one)} and ${enough(config, one.long)})`)
        .join(''),
    labels: { severity: burn.severity, slo: name },
    annotations: {
      summary: `The error budget of ${name} burns ${burn.factor} times too fast`,
      description: `Over ${burn.long} and ${burn.short} the share of errors was above ${burn.factor} times the budget of the objective ${objective} (now {{ $value | humanizePercentage }}).`,
    },
  }));
}

/** The objective itself is missed: the promise of the window is broken, whatever burns now. */
function missedAlert(config: ObjectiveConfig): object {
  const { name, objective, window } = config;
  const expr = `${recordedOf(name).ratio(window)} > ${budgetOf(config)} and ${enough(config, window)}`;
  return {
    alert: 'SloMissed',
    expr,
    labels: { severity: 'warning', slo: name },
    annotations: {
      summary: `The objective ${name} is missed`,
      description: `Over ${window} less than ${objective} of the events were good (errors now {{ $value | humanizePercentage }}).`,
    },
  };
}

const absentAlert = (name: string, expr: string): object => ({
  alert: 'SloIndicatorAbsent',
  expr,
  for: '10m',
  labels: { severity: 'warning', slo: name },
  annotations: {
    summary: `The objective ${name} has no data`,
    description: 'Its indicator has had no value, so no burn alert can fire.',
  },
});

interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly object[];
}

export function burnRules(config: ObjectiveConfig): RuleGroup[] {
  const { name, objective, window } = config;
  const { ratio, bad, absent } = indicatorOf(config);
  const budget = budgetOf(config);
  const labels = { slo: name };
  const record = (metric: string, over: string, expr: string): object => ({
    record: `slo:${metric}${over}`,
    expr: `max without (job, instance, target, group) (${expr})`,
    labels,
  });
  const ratioOver = (over: string): object => record('sli_error:ratio_rate', over, ratio(over));
  const badOver = (over: string): object => record('sli_bad:increase', over, bad(over));
  const current = {
    record: 'slo:current_burn_rate:ratio',
    expr: `${recordedOf(name).ratio('5m')} / ${budget}`,
    labels,
  };
  const whole = [
    ratioOver(window),
    badOver(window),
    { record: 'slo:objective:ratio', expr: `vector(${parseRatio(objective) ?? 0})`, labels },
    { record: 'slo:error_budget:ratio', expr: `vector(${budget})`, labels },
  ];
  const fast = [...FAST.map(ratioOver), badOver(BURNS[0].long), current, ...burnAlerts(config)];
  const slow = [...SLOW.map(ratioOver), ...BURNS.slice(1).map(({ long }) => badOver(long)), absentAlert(name, absent)];
  return [
    { name: `slo-${name}`, interval: '5s', rules: fast },
    { name: `slo-${name}-slow`, interval: '1m', rules: slow },
    { name: `slo-${name}-window`, interval: '5m', rules: [...whole, missedAlert(config)] },
  ];
}

export const burnRuleFile = (objectives: readonly ObjectiveConfig[]): string =>
  stringify({ groups: objectives.flatMap(burnRules) }, { lineWidth: 0 });

/** What the alerts of an objective can see, in words. */
export function powerText(config: ObjectiveConfig): string {
  const budget = budgetOf(config);
  const requests = Math.floor(1 / (FASTEST_BURN * budget));
  const seconds = Math.ceil(FASTEST_BURN * budget * 3_600);
  return (
    `${config.name}: at ${requests} events an hour or fewer one failure would exceed the fast burn; ` +
    `${LEAST_BAD} bad events are needed to page. A total outage pages after ${seconds} s at steady traffic.`
  );
}

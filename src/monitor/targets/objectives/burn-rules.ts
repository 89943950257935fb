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
  /** Present while the indicator has data. */
  readonly present: string;
  /** Present when the indicator had data that long ago. */
  readonly before: (ago: string) => string;
}

const quoted = (text: string): string => JSON.stringify(text);

function indicatorOf({ target, promql }: ObjectiveConfig): Indicator {
  if (promql !== undefined) {
    const at = (text: string, window: string): string => `(${text.replaceAll('$window', window)})`;
    return {
      ratio: (window) => `1 - (${at(promql.good, window)} / (${at(promql.total, window)} > 0))`,
      bad: (window) => `${at(promql.total, window)} - ${at(promql.good, window)}`,
      present: at(promql.total, '10m'),
      before: (ago) => `(${at(promql.total, '10m')}) offset ${ago}`,
    };
  }
  const up = `vitrine_target_up{target=${quoted(target ?? '')}}`;
  return {
    ratio: (window) => `1 - avg_over_time(${up}[${window}])`,
    bad: (window) => `count_over_time(${up}[${window}]) - sum_over_time(${up}[${window}])`,
    present: up,
    before: (ago) => `${up} offset ${ago}`,
  };
}

const half = (window: string): string => `${(parseDurationMs(window) ?? 0) / 2_000}s`;

export function burnRules(config: ObjectiveConfig): object[] {
  const { name, objective, window } = config;
  const indicator = indicatorOf(config);
  const budget = budgetOf(config);
  const labels = { slo: name };
  const record = (over: string): object => ({
    record: `slo:sli_error:ratio_rate${over}`,
    expr: `max without (job, instance, target, group) (${indicator.ratio(over)})`,
    labels,
  });
  const ratio = (over: string): string => `slo:sli_error:ratio_rate${over}{slo=${quoted(name)}}`;
  const burning = ({ factor, long, short }: Burn): string => {
    const limit = Number((factor * budget).toPrecision(10));
    return `(${ratio(long)} > ${limit} and on (slo) ${ratio(short)} > ${limit})`;
  };
  const alerts = BURNS.map((burn, at) => {
    const faster = BURNS.slice(0, at).map((one) => ` unless on (slo) ${burning(one)}`);
    // A few events are no measure: enough bad ones, and data for half of the window, must be there.
    const enough = ` and on () (sum(${indicator.bad(burn.long)}) >= ${LEAST_BAD})`;
    // A range in `offset` cannot be put around an expression, so this is said of a selector only.
    const since = config.promql === undefined ? ` and on () count(${indicator.before(half(burn.long))})` : '';
    return {
      alert: burn.alert,
      expr: burning(burn) + enough + since + faster.join(''),
      labels: { severity: burn.severity, ...labels },
      annotations: {
        summary: `The error budget of ${name} burns ${burn.factor} times too fast`,
        description: `Over ${burn.long} and ${burn.short} the share of errors was above ${burn.factor} times the budget of the objective ${objective} (now {{ $value | humanizePercentage }}).`,
      },
    };
  });
  const absent = {
    alert: 'SloIndicatorAbsent',
    expr: `absent(${indicator.present})`,
    for: '10m',
    labels: { severity: 'warning', ...labels },
    annotations: {
      summary: `The objective ${name} has no data`,
      description: 'Its indicator has had no value for ten minutes, so no burn alert can fire.',
    },
  };
  const whole = [
    record(window),
    { record: 'slo:objective:ratio', expr: `vector(${parseRatio(objective) ?? 0})`, labels },
    { record: 'slo:error_budget:ratio', expr: `vector(${budget})`, labels },
  ];
  const current = { record: 'slo:current_burn_rate:ratio', expr: `${ratio('5m')} / ${budget}`, labels };
  return [
    { name: `slo-${name}`, interval: '5s', rules: [...FAST.map(record), current, ...alerts, absent] },
    { name: `slo-${name}-slow`, interval: '1m', rules: SLOW.map(record) },
    { name: `slo-${name}-window`, interval: '5m', rules: whole },
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

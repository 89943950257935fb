/**
 * Alerts in the short form of vitrine.yaml, `{ name, metric, above: 200ms, over: 1m, severity }`, as rules in PromQL. Each
 * metric is one expression over the last `over`. Without traffic an expression has no value, so no alert fires.
 */
import { VitrineError } from '../../../base/errors.ts';
import { formatDurationMs, parseDurationMs, parseRatio, parseSizeBytes } from '../../../base/units.ts';
import { nearest } from '../../../config/schema-walk.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import type { ShortForm } from '../../../model/rules/rule-shapes.ts';
import { quote } from '../../../model/text/quoting.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';
import { SHORT_METRICS, type ShortMetric, type Unit } from './short-metrics.ts';
import { TRIAL_LABEL, type AlertingSpec, type TextEntry } from './spec.ts';
import { compileText } from './template/expand.ts';

/** Names the metric that was probably meant: one that shares words with this one, or is a slip away; otherwise all of them. */
function metricsHint(word: string): string {
  const names = Object.keys(SHORT_METRICS);
  const words = word.split('_').filter((part) => part.length > 2);
  const shared = (name: string): number => words.filter((part) => name.includes(part)).length;
  const [best] = names.toSorted((a, b) => shared(b) - shared(a));
  const meant = nearest(word, names) ?? (shared(best) > 0 ? best : undefined);
  return meant === undefined ? `The metrics are ${names.join(', ')}.` : `Did you mean ${meant}?`;
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
  throw invalid(name, `there is no metric ${JSON.stringify(metric)}`, metricsHint(metric));
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

/** The second threshold, which must lie on the quiet side of the first one. */
function recoverOf(entry: ShortForm): number | undefined {
  const { name, above, recover } = entry;
  if (recover === undefined) return undefined;
  const { unit } = metricOf(entry);
  const value = threshold(entry, recover, unit);
  const limit = limitOf(entry);
  if (above === undefined ? value >= limit : value <= limit) return value;
  const side = above === undefined ? 'above' : 'below';
  throw invalid(
    name,
    `recover ${JSON.stringify(recover)} is not ${side} the threshold`,
    'It says where the alert ends.',
  );
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

function standsAlone({ name, metric, above, below, recover }: ShortForm): void {
  if ([metric, above, below, recover].every((field) => field === undefined)) return;
  throw invalid(name, 'expr stands alone', 'Remove metric, above, below and recover, or remove expr.');
}

type Field = 'metric' | 'expr' | 'above' | 'below' | 'recover' | 'over' | 'for';

/** Each part of an entry that can be wrong on its own, and the field that the message names. */
function partsOf(entry: ShortForm): readonly (readonly [Field, () => unknown])[] {
  const { expr, above, below } = entry;
  const times = [['for', () => forOf(entry)]] as const;
  if (expr !== undefined) return [['expr', () => standsAlone(entry)], ['expr', () => canonical(entry, expr)], ...times];
  const metric = [['metric', () => metricOf(entry)]] as const;
  const known = entry.metric !== undefined && Object.hasOwn(SHORT_METRICS, entry.metric);
  const limit = [[above === undefined && below !== undefined ? 'below' : 'above', () => limitOf(entry)]] as const;
  const recover = entry.recover === undefined ? [] : [['recover', () => recoverOf(entry)] as const];
  const limits = known ? [...limit, ...(limitHolds(entry) ? recover : [])] : [];
  return [...metric, ...limits, ['over', () => overOf(entry)], ...times];
}

function limitHolds(entry: ShortForm): boolean {
  try {
    limitOf(entry);
    return true;
  } catch {
    return false;
  }
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
      return [{ field, message: error.told }];
    }
  });
}

interface Condition {
  readonly expr: string;
  readonly summary: string;
  /** With a second threshold: where the alert begins, and where it goes on. */
  readonly hysteresis?: { readonly fire: string; readonly hold: string } | undefined;
}

/**
 * A second threshold in plain PromQL, so that Prometheus judges it too: a series that fires goes on while it is beyond `recover`.
 * The threshold comes last: messages and charts take it from there.
 */
function withRecovery(entry: ShortForm, figure: string, operator: string, limit: number): Condition['hysteresis'] {
  const value = recoverOf(entry);
  return value === undefined
    ? undefined
    : { fire: `${figure} ${operator} ${formatGeneral(limit)}`, hold: `${figure} ${operator} ${formatGeneral(value)}` };
}

const labelName = (name: string): string => (/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name));

const firingSeries = ({ name }: ShortForm, labels: readonly string[]): string =>
  `ignoring (alertname, alertstate, ${labels.map(labelName).join(', ')}) ALERTS{alertname="${name}",alertstate="firing"}`;

function conditionOf(entry: ShortForm, moreLabels: readonly string[]): Condition {
  const { above, below } = entry;
  if (entry.expr !== undefined) {
    standsAlone(entry);
    return { expr: entry.expr, summary: 'The value is {{ $value | humanize }}' };
  }
  const known = metricOf(entry);
  const limit = limitOf(entry);
  const [operator, word] = above === undefined ? ['<', 'below'] : ['>', 'above'];
  const summary = `The ${known.title} is {{ $value | ${SHOWN[known.unit]} }}, ${word} ${above ?? below}`;
  const figure = known.expr(formatDurationMs(overOf(entry)));
  const hysteresis = withRecovery(entry, figure, operator, limit);
  if (hysteresis === undefined) return { expr: `${figure} ${operator} ${formatGeneral(limit)}`, summary };
  const own = [...labelsOf(entry).map(({ name }) => name), ...moreLabels];
  return { expr: `${hysteresis.hold} and ${firingSeries(entry, own)} or ${hysteresis.fire}`, summary, hysteresis };
}

const plain = (name: string, text: string): TextEntry => ({ name, source: text, text: { kind: 'plain', text } });

const labelsOf = ({ severity = 'warning', trial = false }: ShortForm): TextEntry[] => [
  plain('severity', severity),
  ...(trial ? [plain(TRIAL_LABEL, 'true')] : []),
];

/** `moreLabels`: names of labels that the rule gets besides. Throws VitrineError `config_invalid`. */
export function shortFormRule(entry: ShortForm, moreLabels: readonly string[] = []): AlertingSpec {
  const { expr, summary, hysteresis } = conditionOf(entry, moreLabels);
  return {
    kind: 'alerting',
    name: entry.name,
    expr: canonical(entry, expr),
    forMs: forOf(entry),
    keepFiringForMs: 0,
    labels: labelsOf(entry),
    annotations: [{ name: 'summary', source: summary, text: compileText(summary) }],
    ...(hysteresis === undefined
      ? {}
      : {
          hysteresis: { fire: canonical(entry, hysteresis.fire), hold: canonical(entry, hysteresis.hold) },
        }),
  };
}

/**
 * The figure of each alert of now over a range of time, for the small charts beside the alerts. A rule is asked once for all
 * of its alerts, an answer is kept for some seconds, and those who ask for the same range share one.
 */
import { BoundedMap } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { MatrixSeries, Querier } from '../../../model/ports.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';
import { comparisonsOf, figureOf, type ComparisonOperator } from '../rules/figure.ts';
import type { AlertingSpec } from '../rules/spec.ts';

export interface DrawnAlert {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The values of one alert, one a step; null where the figure has none. */
export interface AlertLine {
  readonly fingerprint: string;
  readonly values: readonly (number | null)[];
  readonly limits: readonly { readonly op: ComparisonOperator; readonly limit: number }[];
}

export interface AlertLines {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly lines: readonly AlertLine[];
  /** Alerts without a line because there are too many. */
  readonly left: number;
}

/** Alerts beyond the number have no line, and are counted. */
export const MAX_LINES = 100;
const MAX_RULES = 30;
const POINTS = 60;
const TIMEOUT_MS = 5_000;
const KEPT_MS = 5_000;
const MAX_KEPT = 20;

export class LinesOfAlerts {
  readonly #querier: Querier;
  readonly #clock: Clock;
  readonly #ruleOf: (labels: Labels) => AlertingSpec | undefined;
  readonly #known = new BoundedMap<string, { readonly atMs: number; readonly lines: Promise<AlertLines> }>(MAX_KEPT);

  constructor(querier: Querier, clock: Clock, ruleOf: (labels: Labels) => AlertingSpec | undefined) {
    this.#querier = querier;
    this.#clock = clock;
    this.#ruleOf = ruleOf;
  }

  /** `alerts` in the order in which they are shown. Throws VitrineError `bad_request`. */
  of(alerts: readonly DrawnAlert[], fromMs: number, toMs: number): Promise<AlertLines> {
    if (!(toMs > fromMs)) throw new VitrineError('bad_request', 'The range must end after it begins.');
    const nowMs = this.#clock.monotonic();
    const drawn = alerts.slice(0, MAX_LINES);
    const key = `${fromMs} ${toMs} ${drawn.map(({ fingerprint }) => fingerprint).join(' ')}`;
    const known = this.#known.get(key);
    if (known !== undefined && nowMs - known.atMs <= KEPT_MS) return known.lines;
    const lines = this.#read(drawn, fromMs, toMs, alerts.length - drawn.length);
    this.#known.set(key, { atMs: nowMs, lines });
    return lines;
  }

  async #read(drawn: readonly DrawnAlert[], fromMs: number, toMs: number, left: number): Promise<AlertLines> {
    const stepMs = Math.max(1_000, Math.ceil((toMs - fromMs) / POINTS / 1_000) * 1_000);
    const byRule = new Map<string, { readonly spec: AlertingSpec; readonly alerts: DrawnAlert[] }>();
    for (const alert of drawn) {
      const spec = this.#ruleOf(Labels.from(alert.labels));
      if (spec === undefined) continue;
      const key = `${spec.name} ${spec.expr}`;
      const known = byRule.get(key) ?? { spec, alerts: [] };
      known.alerts.push(alert);
      byRule.set(key, known);
    }
    const lines: AlertLine[] = [];
    let more = left;
    for (const [at, { spec, alerts }] of [...byRule.values()].entries()) {
      if (at < MAX_RULES) lines.push(...(await this.#linesOf(spec, alerts, { fromMs, toMs, stepMs })));
      else more += alerts.length;
    }
    return { fromMs, toMs, stepMs, lines, left: more };
  }

  /** One query for the alerts of one rule. A rule whose figure cannot be asked for has no lines. */
  async #linesOf(spec: AlertingSpec, alerts: readonly DrawnAlert[], span: Span): Promise<AlertLine[]> {
    const expr = parse(spec.expr);
    const { fromMs, toMs, stepMs } = span;
    try {
      const options = { timeoutMs: TIMEOUT_MS };
      const { value } = await this.#querier.range(print(figureOf(expr)), fromMs, toMs, stepMs, options);
      if (value.kind !== 'matrix') return [];
      const added = new Set([METRIC_NAME, 'alertname', ...spec.labels.map(({ name }) => name)]);
      const keyOf = (labels: Labels): string => labels.filter((name) => !added.has(name)).key;
      const series = new Map(value.series.map((one) => [keyOf(one.labels), one]));
      const limits = comparisonsOf(expr).map(({ op, limit }) => ({ op, limit }));
      return alerts.flatMap(({ fingerprint, labels }) => {
        const found = series.get(keyOf(Labels.from(labels)));
        return found === undefined ? [] : [{ fingerprint, values: valuesOf(found, span), limits }];
      });
    } catch (error) {
      if (error instanceof VitrineError) return [];
      throw error;
    }
  }
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

function valuesOf({ t, v }: MatrixSeries, { fromMs, toMs, stepMs }: Span): (number | null)[] {
  const values: (number | null)[] = Array.from({ length: Math.floor((toMs - fromMs) / stepMs) + 1 }, () => null);
  for (const [at, timeMs] of t.entries()) {
    if (Number.isFinite(v[at])) values[Math.round((timeMs - fromMs) / stepMs)] = v[at];
  }
  return values;
}

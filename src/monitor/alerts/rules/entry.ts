/** One rule of a group with what is known of its last evaluation, and how users see it. */
import type { Alert } from '../../../model/alert.ts';
import { Labels } from '../../../model/labels.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { selectorsOf } from '../../promql/syntax/expression-shape.ts';
import type { AlertRecord } from './alert-record.ts';
import { AlertingRule } from './alerting.ts';
import type { ValueDigest } from './environment.ts';
import type { GroupSpec, RecordingSpec } from './spec.ts';
import type { RuleHealth, RuleView } from './view.ts';

export interface Entry {
  readonly rule: AlertingRule | RecordingSpec;
  health: RuleHealth;
  lastError: string;
  evaluationSeconds: number;
  lastEvaluationMs: number | undefined;
  /** Present for alerting rules where alerts are kept over a restart. */
  record: AlertRecord | undefined;
}

/** Rules are the same across a reload when kind, name and labels are. */
export function identityOf({ rule }: Entry): string {
  if (!(rule instanceof AlertingRule)) return JSON.stringify(['recording', rule.name, rule.labels]);
  return JSON.stringify(['alerting', rule.spec.name, rule.spec.labels.map(({ name, source }) => [name, source])]);
}

const LEVELS = { inactive: 0, pending: 1, firing: 2 } as const;

/** The last evaluation succeeded, and the rule has no alert, not even one that was resolved recently. */
export const isQuiet = ({ rule, health }: Entry): boolean =>
  health === 'ok' && rule instanceof AlertingRule && rule.isQuiet;

/** Rules with the same identity are told apart by their order. */
export function namesOf(entries: readonly Entry[], { file, name }: GroupSpec): string[] {
  const seen = new Map<string, number>();
  return entries.map((entry) => {
    const identity = identityOf(entry);
    const count = seen.get(identity) ?? 0;
    seen.set(identity, count + 1);
    return JSON.stringify([file, name, identity, count]);
  });
}

export const nameOf = ({ rule }: Entry): string => (rule instanceof AlertingRule ? rule.spec.name : rule.name);

export function ruleView(
  { rule, health, lastError, evaluationSeconds, lastEvaluationMs }: Entry,
  paused: boolean,
): RuleView {
  const common = { health, lastError, evaluationSeconds, lastEvaluationMs };
  if (!(rule instanceof AlertingRule)) {
    return { kind: 'recording', name: rule.name, query: rule.expr, labels: Labels.from(rule.labels), ...common };
  }
  const { spec, active } = rule;
  const worst = active.reduce<Alert['state']>(
    (now, { state }) => (LEVELS[state] > LEVELS[now] ? state : now),
    'inactive',
  );
  return {
    kind: 'alerting',
    name: spec.name,
    query: spec.expr,
    labels: Labels.from(spec.labels.map(({ name, source }) => [name, source] as const)),
    ...common,
    state: lastEvaluationMs === undefined || paused ? 'unknown' : worst,
    forMs: spec.forMs,
    keepFiringForMs: spec.keepFiringForMs,
    annotations: Object.fromEntries(spec.annotations.map(({ name, source }) => [name, source])),
    alerts: active,
  };
}

const LONGEST_MS = 5_000;

/**
 * When an alerting rule need not be evaluated: it found nothing at its last evaluation, no metric that it reads has another value
 * since, and that was less than five seconds ago. A window that moves on may change a result too, so a rule rests no longer
 * than that. Rules with a longer interval never rest, nor do those that ask for the time: silence must be found to the second.
 */
export class RuleRest {
  readonly #metrics: readonly string[];
  readonly #digestOf: ValueDigest;
  #last: { readonly digest: number; readonly atMs: number } | undefined;

  private constructor(metrics: readonly string[], digestOf: ValueDigest) {
    this.#metrics = metrics;
    this.#digestOf = digestOf;
  }

  /** Undefined when the rule never rests. */
  static of(expr: string, intervalMs: number, digestOf: ValueDigest | undefined): RuleRest | undefined {
    if (digestOf === undefined || intervalMs >= LONGEST_MS || /\btime\s*\(/.test(expr)) return undefined;
    const metrics = new Set(selectorsOf(parse(expr)).map(({ name }) => name));
    // A selector without a name may read any metric.
    return metrics.size === 0 || metrics.has('') ? undefined : new RuleRest([...metrics], digestOf);
  }

  /** Asked once before each evaluation; when the answer is true, there must be none. */
  isAt(nowMs: number): boolean {
    const digest = this.#digestOf(this.#metrics);
    const last = this.#last;
    if (last?.digest === digest && nowMs - last.atMs < LONGEST_MS) return true;
    this.#last = { digest, atMs: nowMs };
    return false;
  }
}

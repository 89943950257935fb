/**
 * One alerting rule: runs its query, expands labels and annotations, steps the state machine, and returns the samples to
 * write and the alerts to send.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Alert } from '../../../model/alert.ts';
import { formatValue } from '../../../model/go-float.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { quote } from '../../../model/text/quoting.ts';
import { parse } from '../../promql/syntax/parser.ts';
import type { Interruption, RuleEnvironment, Tick } from './environment.ts';
import { comparisonsOf, figureAt, type Comparison } from './figure.ts';
import { samplesOf } from './recording.ts';
import type { AlertingSpec, TextEntry } from './spec.ts';
import type { AlertStates, Finding, Transition } from './state.ts';
import { restoredActiveAt, stepAlerts } from './state.ts';
import { expand } from './template/expand.ts';
import type { TemplateData } from './template/expand.ts';
import type { TemplateContext } from './template/functions.ts';
import type { OutputSample } from './writer.ts';

/** How long a restored alert keeps its state while its condition is not found. */
const HOLD_MS = 60_000;
const FOR_STATE = 'ALERTS_FOR_STATE';
const NONE: AlertStates = new Map();

const withLabels = (base: Labels, added: Readonly<Record<string, string>>): Labels => {
  let labels = base;
  for (const [name, value] of Object.entries(added)) labels = labels.with(name, value);
  return labels;
};

export class AlertingRule {
  readonly spec: AlertingSpec;
  #states: AlertStates = new Map();
  /** When each alert was last sent, by key. */
  #sent = new Map<string, number>();
  /** Alerts of the process before this one whose condition has not been found since, and until when they are held. */
  readonly #unseen = new Set<string>();
  #heldUntilMs = -Infinity;
  /** Alerts that `evaluateHeld` has found since the last `resume`. */
  readonly #seenHeld = new Set<string>();
  /** A rule with a long `for` writes nothing before it is restored: it would overwrite the series it is restored from. */
  #restored: boolean;
  readonly #threshold: string | undefined;

  constructor(spec: AlertingSpec, graceMs: number) {
    this.spec = spec;
    this.#threshold = thresholdOf(spec.expr);
    this.#restored = spec.forMs < graceMs;
  }

  /** Pending and firing. */
  get active(): readonly Alert[] {
    return [...this.#states.values()].filter(({ state }) => state !== 'inactive');
  }

  /** Pending, firing, and resolved within the last 15 minutes. */
  get recent(): readonly Alert[] {
    return [...this.#states.values()].filter((alert) => alert.state !== 'inactive' || alert.resolvedAtMs !== undefined);
  }

  get isQuiet(): boolean {
    return this.#states.size === 0 && this.#unseen.size === 0;
  }

  /** Every alert that has a state, for the memory. */
  get known(): Iterable<Alert> {
    return this.#states.values();
  }

  /**
   * Takes over alerts of the process before this one. The outage does not count towards `for`. Senders and windows need up to
   * a minute until they are complete again, so an alert whose condition is not found until then keeps its state.
   */
  goOn(alerts: readonly Alert[], { downAtMs, nowMs }: Interruption): void {
    this.#restored = true;
    this.#heldUntilMs = nowMs + HOLD_MS;
    const outageMs = Math.max(0, nowMs - downAtMs);
    this.#states = new Map(
      alerts.map((alert) => [
        alert.labels.key,
        alert.state === 'pending' ? { ...alert, activeAtMs: alert.activeAtMs + outageMs } : alert,
      ]),
    );
    for (const { labels, state } of alerts) if (state !== 'inactive') this.#unseen.add(labels.key);
  }

  get needsRestore(): boolean {
    return !this.#restored;
  }

  /** Takes over the state of the same rule of a former configuration. */
  adopt(former: AlertingRule): void {
    this.#states = former.#states;
    this.#sent = former.#sent;
    this.#restored = this.#restored || former.#restored;
  }

  /** Moves the times that durations are counted from, after the clock was set forward by `ms`. */
  shift(ms: number): void {
    this.#states = new Map([...this.#states].map(([key, alert]) => [key, shifted(alert, ms)]));
    for (const [key, sentMs] of this.#sent) this.#sent.set(key, sentMs + ms);
  }

  /** Ends a period of `evaluateHeld`. */
  resume(): void {
    this.#seenHeld.clear();
  }

  /**
   * Like `evaluate`, on figures that may not contain every series of the rule: an alert ends only if these figures have
   * shown its condition before. The result must not be written to the store.
   */
  async evaluateHeld(env: RuleEnvironment, tick: Tick): Promise<{ readonly transitions: readonly Transition[] }> {
    const findings = await this.#find(env, tick);
    for (const { labels } of findings) this.#seenHeld.add(labels.key);
    const held = [...this.#states].filter(([key, { state }]) => state !== 'inactive' && !this.#seenHeld.has(key));
    return { transitions: this.#step(findings, tick, new Map(held)) };
  }

  /** Throws the query's VitrineError, and `query_failed` for equal label sets or too many alerts. */
  async evaluate(
    env: RuleEnvironment,
    tick: Tick,
  ): Promise<{ samples: readonly OutputSample[]; transitions: readonly Transition[] }> {
    const transitions = await this.#explained(this.#step(await this.#find(env, tick), tick), env, tick);
    return { samples: this.#restored ? this.active.flatMap((alert) => this.#samples(alert)) : [], transitions };
  }

  async #find(env: RuleEnvironment, tick: Tick): Promise<Finding[]> {
    const options = { signal: tick.signal, timeoutMs: env.queryTimeoutMs };
    const result = await env.querier.instant(this.spec.expr, tick.queryMs, options);
    const context = templateContext(env, tick);
    const findings: Finding[] = [];
    for (const { labels, value, h } of samplesOf(result.value)) {
      // As in Prometheus, a histogram has no value that a template could show.
      const data = { labels, externalLabels: env.externalLabels, value: h === undefined ? value : 0 };
      findings.push(await this.#finding(data, context));
    }
    return findings;
  }

  /** The alerts in `held` keep their state, whatever the query found. */
  #step(findings: readonly Finding[], { nowMs, limit }: Tick, held: AlertStates = NONE): readonly Transition[] {
    const { forMs, keepFiringForMs } = this.spec;
    const unseen = this.#stillUnseen(findings, nowMs);
    const kept = new Map([...this.#states].filter(([key]) => held.has(key) || unseen.has(key)));
    const stepped = new Map([...this.#states].filter(([key]) => !kept.has(key)));
    const step = stepAlerts(stepped, findings, { forMs, keepFiringForMs, limit }, nowMs);
    this.#states = new Map([...kept, ...step.states]);
    if (step.kind === 'error') throw new VitrineError('query_failed', step.message);
    for (const key of this.#sent.keys()) if (!this.#states.has(key)) this.#sent.delete(key);
    return step.transitions;
  }

  /** Says of alerts that ended whether their figure is fine again or has no value: one query for an end, which is rare. */
  async #explained(
    transitions: readonly Transition[],
    env: RuleEnvironment,
    { queryMs, signal }: Tick,
  ): Promise<readonly Transition[]> {
    const isEnd = ({ from, to }: Transition): boolean => from === 'firing' && to === 'inactive';
    if (!transitions.some(isEnd)) return transitions;
    const reason = await whyEnded(this.spec.expr, env, queryMs, signal);
    if (reason === undefined) return transitions;
    const states = new Map(this.#states);
    const explained = transitions.map((one) => {
      if (!isEnd(one)) return one;
      const alert = { ...one.alert, reason };
      states.set(alert.labels.key, alert);
      return { ...one, alert };
    });
    this.#states = states;
    return explained;
  }

  #stillUnseen(findings: readonly Finding[], nowMs: number): ReadonlySet<string> {
    if (this.#unseen.size === 0) return this.#unseen;
    if (nowMs >= this.#heldUntilMs) this.#unseen.clear();
    for (const { labels } of findings) this.#unseen.delete(labels.key);
    return this.#unseen;
  }

  async #finding(data: TemplateData, context: TemplateContext): Promise<Finding> {
    const expanded = async (entries: readonly TextEntry[]): Promise<Record<string, string>> => {
      const out = Object.create(null) as Record<string, string>;
      for (const { name, text } of entries) out[name] = await expand(text, data, context);
      return out;
    };
    const base = data.labels.with(METRIC_NAME, '');
    const labels = withLabels(base, await expanded(this.spec.labels)).with('alertname', this.spec.name);
    return { labels, annotations: await expanded(this.spec.annotations), value: data.value };
  }

  #samples({ labels, state, activeAtMs }: Alert): OutputSample[] {
    return [
      { labels: withLabels(labels, { [METRIC_NAME]: 'ALERTS', alertstate: state }), value: 1 },
      { labels: labels.with(METRIC_NAME, FOR_STATE), value: Math.floor(activeAtMs / 1_000) },
    ];
  }

  /** The alerts to send now: newly fired, newly resolved, or last sent `resendMs` ago or earlier. Never pending alerts. */
  takeDue(resendMs: number, nowMs: number): readonly Alert[] {
    const due: Alert[] = [];
    for (const [key, alert] of this.#states) {
      if (alert.state === 'pending') continue;
      const sentMs = this.#sent.get(key) ?? -Infinity;
      const changed = Math.max(alert.resolvedAtMs ?? -Infinity, alert.firedAtMs ?? -Infinity) > sentMs;
      if (!changed && nowMs - sentMs < resendMs) continue;
      this.#sent.set(key, nowMs);
      due.push(this.#threshold === undefined ? alert : { ...alert, threshold: this.#threshold });
    }
    return due;
  }

  /**
   * After a restart: the time that pending alerts had already waited is restored from the last ALERTS_FOR_STATE. Throws the
   * queries' VitrineErrors; the rule counts as restored even then.
   */
  async restore(env: RuleEnvironment, { nowMs, signal }: Tick, intervalMs: number): Promise<void> {
    if (this.#restored) return;
    this.#restored = true;
    if (this.active.length === 0) return;
    const seconds = Math.max(1, Math.round(env.outageToleranceMs / 1_000));
    const selector = `${FOR_STATE}{alertname=${quote(this.spec.name)}}`;
    const { value } = await env.querier.instant(`${selector}[${seconds}s]`, nowMs, { signal });
    if (value.kind !== 'matrix') return;
    const next = new Map(this.#states);
    for (const { labels, t, v } of value.series) {
      const { key } = labels.with(METRIC_NAME, '');
      const alert = next.get(key);
      if (alert === undefined || t.length === 0) continue;
      const downAtMs = t[t.length - 1];
      // A stale marker follows the last sample of an alert that has ended: one interval later, a query finds nothing.
      const after = await env.querier.instant(selector, Math.min(nowMs, downAtMs + intervalMs), { signal });
      const lived =
        after.value.kind === 'vector' && after.value.series.some((series) => series.labels.key === labels.key);
      if (!lived) continue;
      const saved = { activeAtMs: v[v.length - 1] * 1_000, downAtMs };
      next.set(key, { ...alert, activeAtMs: restoredActiveAt(saved, this.spec.forMs, env.graceMs, nowMs) });
    }
    this.#states = next;
  }
}

/** `> 0.1`: the first comparison that decides. Undefined for a rule without one. */
function thresholdOf(expr: string): string | undefined {
  const [first] = comparisonsOf(parse(expr)) as [Comparison?];
  return first === undefined ? undefined : `${first.op} ${formatValue(first.limit)}`;
}

/** Undefined when the figure has a value, or could not be asked for. */
async function whyEnded(
  expr: string,
  { querier, queryTimeoutMs: timeoutMs }: RuleEnvironment,
  atMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { kind } = await figureAt(expr, querier, atMs, { signal, timeoutMs });
    if (kind === 'no_data') return 'There is no data any more: no series that the rule reads exists.';
    return kind === 'no_traffic' ? 'There is no traffic any more: the figure has no value.' : undefined;
  } catch (error) {
    if (error instanceof VitrineError) return undefined;
    throw error;
  }
}

/** For a firing alert, the times at which it began and fired are known and stay. */
function shifted(alert: Alert, ms: number): Alert {
  const by = (timeMs: number | undefined): number | undefined => (timeMs === undefined ? undefined : timeMs + ms);
  return {
    ...alert,
    activeAtMs: alert.state === 'pending' ? alert.activeAtMs + ms : alert.activeAtMs,
    resolvedAtMs: by(alert.resolvedAtMs),
    keepFiringSinceMs: by(alert.keepFiringSinceMs),
  };
}

function templateContext(env: RuleEnvironment, { queryMs, nowMs, signal }: Tick): TemplateContext {
  return {
    nowMs,
    externalUrl: env.externalUrl,
    query: async (expr) => {
      const { value } = await env.querier.instant(expr, queryMs, { signal, timeoutMs: env.queryTimeoutMs });
      if (value.kind === 'string') return [{ Labels: Labels.from({ __value__: value.v }), Value: 0 }];
      return samplesOf(value).map((sample) => ({ Labels: sample.labels, Value: sample.value }));
    },
  };
}

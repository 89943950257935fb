/**
 * A rule group: its rules in order, one tick after the other. Each rule sees the samples of the rules before it. A rule that
 * fails does not stop the others, and its series do not become stale.
 */
import { metrics } from '@opentelemetry/api';
import type { LogFields } from '../../../base/logger.ts';
import type { Alert } from '../../../model/alert.ts';
import { counterOf, histogramOf } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';
import { AlertingRule } from './alerting.ts';
import { AlertRecord } from './alert-record.ts';
import type { Interruption, RuleEnvironment, Tick } from './environment.ts';
import { identityOf, isQuiet, nameOf, namesOf, RuleRest, ruleView, type Entry } from './entry.ts';
import { evaluateRecording } from './recording.ts';
import type { GroupSpec, RecordingSpec } from './spec.ts';
import type { Transition } from './state.ts';
import { Steadiness } from './steadiness.ts';
import type { RuleGroupView } from './view.ts';
import type { OutputSample } from './writer.ts';
import { RuleWriter } from './writer.ts';

export class RuleGroup {
  readonly spec: GroupSpec;
  readonly intervalMs: number;
  readonly #env: RuleEnvironment;
  readonly #entries: readonly Entry[];
  readonly #rests: readonly (RuleRest | undefined)[];
  readonly #writer: RuleWriter;
  readonly #abort = new AbortController();
  readonly #duration;
  readonly #failures;
  readonly #missed;
  readonly #steadiness: Steadiness;
  #paused: string | undefined;
  #lastTickMs: number | undefined;
  #lastSeconds = 0;
  #evaluations = 0;
  #running: Promise<void> = Promise.resolve();

  /** The names of the alerting rules in the memory, the same over restarts. */
  readonly ruleNames: readonly string[];

  /** `intervalMs` holds where the group names none. */
  constructor(spec: GroupSpec, env: RuleEnvironment, intervalMs: number) {
    this.spec = spec;
    this.intervalMs = spec.intervalMs ?? intervalMs;
    this.#env = env;
    this.#writer = new RuleWriter(env.samples);
    this.#steadiness = new Steadiness(this.intervalMs);
    this.#entries = spec.rules.map((rule) => ({
      rule: rule.kind === 'alerting' ? new AlertingRule(rule, env.graceMs) : rule,
      health: 'unknown',
      lastError: '',
      evaluationSeconds: 0,
      lastEvaluationMs: undefined,
      record: undefined,
    }));
    this.#rests = spec.rules.map((rule) =>
      rule.kind === 'alerting' ? RuleRest.of(rule.expr, this.intervalMs, env.digestOf) : undefined,
    );
    this.ruleNames = namesOf(this.#entries, spec);
    const { memory } = env;
    if (memory !== undefined) {
      for (const [i, entry] of this.#entries.entries())
        if (entry.rule instanceof AlertingRule) entry.record = new AlertRecord(memory, this.ruleNames[i]);
    }
    const meter = metrics.getMeter('vitrine');
    const { alertEvaluation, alertEvaluationFailures, alertMissed } = METRICS;
    this.#duration = histogramOf(meter, alertEvaluation);
    this.#failures = counterOf(meter, alertEvaluationFailures);
    this.#missed = counterOf(meter, alertMissed);
  }

  /** Takes over the alerts that the process before this one saved. */
  goOn(saved: ReadonlyMap<string, readonly Alert[]>, interruption: Interruption): void {
    for (const [i, { rule, record }] of this.#entries.entries()) {
      const alerts = saved.get(this.ruleNames[i]);
      if (!(rule instanceof AlertingRule) || alerts === undefined) continue;
      rule.goOn(alerts, interruption);
      record?.save(rule.known);
    }
  }

  /** One evaluation at an aligned instant. Never rejects; an instant that is not after the last one is skipped. */
  evaluate(nowMs: number): Promise<void> {
    const lastMs = this.#lastTickMs;
    if (lastMs !== undefined && nowMs <= lastMs) return this.#running;
    this.#lastTickMs = nowMs;
    this.#running = this.#tick(nowMs);
    return this.#running;
  }

  async #tick(nowMs: number): Promise<void> {
    const { clock } = this.#env;
    const group = this.spec.name;
    const started = clock.monotonic();
    const judgement = this.#steadiness.judge(clock.now(), started, this.#env.paused());
    const { missed, stepMs } = judgement;
    if (missed > 0) {
      this.#missed.add(missed, { group });
      const message = 'Rule evaluations were missed because the one before took too long';
      this.#env.rareLine('warn', `missed ${group}`, { group, missed }, message);
    }
    // A step of the clock counts towards no duration.
    if (stepMs > 0) for (const { rule } of this.#entries) if (rule instanceof AlertingRule) rule.shift(stepMs);
    const { queryOffsetMs, limit } = this.spec;
    const tick: Tick = { nowMs, queryMs: nowMs - queryOffsetMs, limit, signal: this.#abort.signal };
    this.#paused = judgement.paused;
    if (judgement.paused === undefined) await this.#evaluateAll(tick);
    else await this.#pausedTick(tick, judgement.paused, judgement.inStore);
    if (this.#abort.signal.aborted) return;
    for (const { rule, record } of this.#entries) if (rule instanceof AlertingRule) record?.save(rule.known);
    await this.#send(nowMs);
    this.#lastSeconds = (clock.monotonic() - started) / 1_000;
    this.#duration.record(this.#lastSeconds, { group });
  }

  async #evaluateAll(tick: Tick): Promise<void> {
    await this.#guard('stale markers', () => this.#writer.writeOrphans(tick.queryMs));
    for (const [index, entry] of this.#entries.entries()) {
      if (this.#abort.signal.aborted) return;
      if (this.#rests[index]?.isAt(tick.nowMs) === true && isQuiet(entry)) continue;
      if (entry.rule instanceof AlertingRule) entry.rule.resume();
      await this.#evaluateRule(entry, tick, async () => {
        const samples = await this.#run(entry.rule, tick);
        const refused = await this.#writer.write(index, samples, tick.queryMs);
        if (refused > 0)
          this.#warn(`refused ${nameOf(entry)}`, { rule: nameOf(entry), refused }, 'Rule results were not stored');
      });
    }
    this.#evaluations += 1;
    // By the second evaluation all recording rules have run once, so it is the first evaluation with complete inputs.
    if (this.#evaluations === 2) await this.#restore(tick);
  }

  /**
   * Alerts keep their state while their condition is unknown. Rules on the monitor's own figures are judged on the figures
   * in memory.
   */
  async #pausedTick(tick: Tick, reason: string, inStore: boolean): Promise<void> {
    this.#warn('paused', { reason }, 'Rules are not judged: their alerts keep their state');
    const { own } = this.#env;
    const covered = inStore && own?.covers(this.spec) === true;
    for (const entry of this.#entries) {
      if (this.#abort.signal.aborted) return;
      const { rule } = entry;
      if (covered && rule instanceof AlertingRule) {
        await this.#evaluateRule(entry, tick, async () => {
          this.#tell((await rule.evaluateHeld({ ...this.#env, querier: own.querier }, tick)).transitions);
        });
      } else {
        entry.health = 'unknown';
        entry.lastError = reason;
      }
    }
  }

  async #evaluateRule(entry: Entry, tick: Tick, work: () => Promise<void>): Promise<void> {
    const { clock } = this.#env;
    const started = clock.monotonic();
    try {
      await work();
      entry.health = 'ok';
      entry.lastError = '';
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      entry.health = 'err';
      entry.lastError = error instanceof Error ? error.message : String(error);
      this.#failures.add(1, { group: this.spec.name });
      this.#warn(`failed ${nameOf(entry)}`, { rule: nameOf(entry), err: error }, 'A rule could not be evaluated');
    }
    entry.evaluationSeconds = (clock.monotonic() - started) / 1_000;
    entry.lastEvaluationMs = tick.nowMs;
  }

  async #run(rule: AlertingRule | RecordingSpec, tick: Tick): Promise<readonly OutputSample[]> {
    if (!(rule instanceof AlertingRule)) return evaluateRecording(rule, this.#env, tick);
    const { samples, transitions } = await rule.evaluate(this.#env, tick);
    this.#tell(transitions);
    return samples;
  }

  #tell(transitions: readonly Transition[]): void {
    for (const { from, to, alert } of transitions) {
      const labels = alert.labels.toJSON();
      this.#env.logger.info(
        { group: this.spec.name, from, to, labels, reason: alert.reason },
        'An alert changed state',
      );
    }
  }

  #warn(key: string, fields: LogFields, message: string): void {
    const group = this.spec.name;
    this.#env.rareLine('warn', `${this.spec.file} ${group} ${key}`, { group, ...fields }, message);
  }

  async #restore(tick: Tick): Promise<void> {
    for (const { rule } of this.#entries) {
      if (rule instanceof AlertingRule && rule.needsRestore) {
        await this.#guard('restoring alerts', () => rule.restore(this.#env, tick, this.intervalMs));
      }
    }
  }

  async #send(nowMs: number): Promise<void> {
    const due = this.#entries.flatMap(({ rule }) =>
      rule instanceof AlertingRule ? rule.takeDue(this.#env.resendMs, nowMs) : [],
    );
    if (due.length > 0) await this.#guard('sending alerts', () => this.#env.alerts.alerts(due, nowMs));
  }

  async #guard(what: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#env.rareLine(
        'error',
        `${this.spec.file} ${this.spec.name} ${what}`,
        { group: this.spec.name, err: error, what },
        'Part of a rule evaluation failed',
      );
    }
  }

  /** Takes over the state of the group with the same name and file of a former configuration. */
  adopt(former: RuleGroup): void {
    const free = former.#entries.map((entry, index) => ({ entry, index, identity: identityOf(entry) }));
    for (const [index, entry] of this.#entries.entries()) {
      const at = free.findIndex(({ identity }) => identity === identityOf(entry));
      if (at < 0) continue;
      const [match] = free.splice(at, 1);
      const { rule, record, ...rest } = match.entry;
      Object.assign(entry, rest, this.spec.file === former.spec.file ? { record: record ?? entry.record } : {});
      if (entry.rule instanceof AlertingRule && rule instanceof AlertingRule) entry.rule.adopt(rule);
      this.#writer.adopt(former.#writer, match.index, index);
    }
    this.#writer.bury(former.#writer);
    this.#lastTickMs = former.#lastTickMs;
    this.#steadiness.adopt(former.#steadiness);
    this.#evaluations = former.#evaluations;
  }

  /** Ends the running evaluation. Further ticks do nothing. */
  async close(): Promise<void> {
    this.#abort.abort(new Error('closing'));
    await this.#running;
  }

  /** After `close`: writes stale markers for all series of the group, for a group that was removed. */
  async retire(nowMs: number): Promise<void> {
    const last = new RuleWriter(this.#env.samples);
    last.bury(this.#writer);
    // The markers must come after the last samples; otherwise they would be refused as out of order.
    const timeMs = Math.max(nowMs, (this.#lastTickMs ?? -Infinity) + 1) - this.spec.queryOffsetMs;
    await last.writeOrphans(timeMs);
  }

  alerts(): readonly Alert[] {
    return this.#entries.flatMap(({ rule }) => (rule instanceof AlertingRule ? rule.active : []));
  }

  /** Includes those that were resolved within the last 15 minutes. */
  recentAlerts(): readonly Alert[] {
    return this.#entries.flatMap(({ rule }) => (rule instanceof AlertingRule ? rule.recent : []));
  }

  view(): RuleGroupView {
    const { name, file, limit } = this.spec;
    return {
      name,
      file,
      limit,
      intervalMs: this.intervalMs,
      evaluationSeconds: this.#lastSeconds,
      lastEvaluationMs: this.#lastTickMs,
      rules: this.#entries.map((entry) => ruleView(entry, this.#paused !== undefined && entry.health === 'unknown')),
    };
  }
}

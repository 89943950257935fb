/**
 * All rule groups, each with its own timer: a slow query in one never delays another. Groups are evaluated at multiples of
 * their interval of the wall clock, so a restart keeps the same instants.
 */
import { metrics } from '@opentelemetry/api';
import type { ObservableResult } from '@opentelemetry/api';
import { every } from '../../../base/clock.ts';
import { rareLines } from '../../../base/logger.ts';
import type { Alert } from '../../../model/alert.ts';
import { Labels } from '../../../model/labels.ts';
import { observeMetric } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';
import type { RuleEnvironment } from './environment.ts';
import { RuleGroup } from './group.ts';
import type { GroupSpec } from './spec.ts';
import type { RuleGroupView, RuleSource } from './view.ts';

type Needed = Pick<RuleEnvironment, 'querier' | 'samples' | 'alerts' | 'clock' | 'logger'>;

export interface RuleEngineOptions extends Needed, Partial<Omit<RuleEnvironment, keyof Needed>> {
  readonly groups: readonly GroupSpec[];
  /** For groups that state no interval; default 1 minute. */
  readonly intervalMs?: number | undefined;
}

/** Prometheus' defaults. */
const DEFAULTS = {
  intervalMs: 60_000,
  resendMs: 60_000,
  graceMs: 10 * 60_000,
  outageToleranceMs: 60 * 60_000,
  queryTimeoutMs: 120_000,
};

const keyOf = ({ file, name }: GroupSpec): string => JSON.stringify([file, name]);

export class RuleEngine implements RuleSource {
  readonly #env: RuleEnvironment;
  readonly #intervalMs: number;
  #groups: readonly RuleGroup[];
  #stops: (() => void)[] = [];
  #started = false;
  #stopFiring = (): void => {};

  constructor(options: RuleEngineOptions) {
    const { querier, samples, alerts, clock, logger } = options;
    this.#env = {
      querier,
      samples,
      alerts,
      clock,
      logger,
      externalLabels: options.externalLabels ?? Labels.empty,
      externalUrl: options.externalUrl ?? '',
      resendMs: options.resendMs ?? DEFAULTS.resendMs,
      graceMs: options.graceMs ?? DEFAULTS.graceMs,
      outageToleranceMs: options.outageToleranceMs ?? DEFAULTS.outageToleranceMs,
      queryTimeoutMs: options.queryTimeoutMs ?? DEFAULTS.queryTimeoutMs,
      paused: options.paused ?? (() => undefined),
      own: options.own,
      memory: options.memory,
      digestOf: options.digestOf,
      rareLine: options.rareLine ?? rareLines(logger, clock),
    };
    this.#intervalMs = options.intervalMs ?? DEFAULTS.intervalMs;
    this.#groups = options.groups.map((spec) => new RuleGroup(spec, this.#env, this.#intervalMs));
  }

  /**
   * Before `start`: takes over the alerts of the process before this one, which ended at `downAtMs`. After an outage of more
   * than the tolerance they begin anew.
   */
  goOn(downAtMs: number): void {
    const { memory, clock, outageToleranceMs } = this.#env;
    if (memory === undefined) return;
    const nowMs = clock.now();
    const lasted = nowMs - downAtMs <= outageToleranceMs;
    const saved = lasted ? memory.load() : new Map<string, readonly Alert[]>();
    for (const group of this.#groups) group.goOn(saved, { downAtMs, nowMs });
    this.#prune(lasted);
  }

  /** Forgets the saved alerts of rules that do not exist, or of all. */
  #prune(keep: boolean): void {
    this.#env.memory?.keepOnly(new Set(keep ? this.#groups.flatMap((group) => group.ruleNames) : []));
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#stopFiring = observeMetric(metrics.getMeter('vitrine'), METRICS.alertsFiring, (result) =>
      this.#report(result),
    );
    this.#schedule();
  }

  #schedule(): void {
    const { clock, logger } = this.#env;
    this.#stops = this.#groups.map((group) =>
      every(
        clock,
        group.intervalMs,
        (nowMs) => group.evaluate(nowMs),
        (error) => logger.error({ err: error, group: group.spec.name }, 'A rule group could not be evaluated'),
      ),
    );
  }

  /**
   * Replaces the rules. Rules that stay keep their state; series of removed rules get stale markers.
   * Resolves when the new groups are running.
   */
  async replace(specs: readonly GroupSpec[]): Promise<void> {
    const former = new Map(this.#groups.map((group) => [keyOf(group.spec), group]));
    await this.#halt();
    this.#groups = specs.map((spec) => {
      const group = new RuleGroup(spec, this.#env, this.#intervalMs);
      const known = former.get(keyOf(spec));
      if (known !== undefined) group.adopt(known);
      former.delete(keyOf(spec));
      return group;
    });
    this.#prune(true);
    if (this.#started) this.#schedule();
    for (const group of former.values()) await group.retire(this.#env.clock.now());
  }

  async #halt(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    await Promise.all(this.#groups.map((group) => group.close()));
  }

  async close(): Promise<void> {
    this.#started = false;
    this.#stopFiring();
    await this.#halt();
  }

  groups(): readonly RuleGroupView[] {
    return this.#groups.map((group) => group.view());
  }

  alerts(): readonly Alert[] {
    return this.#groups.flatMap((group) => group.alerts());
  }

  /** Pending and firing alerts, and those that were resolved within the last 15 minutes: the alerts that users see. */
  recentAlerts(): readonly Alert[] {
    return this.#groups.flatMap((group) => group.recentAlerts());
  }

  /** Severities without a firing alert are reported as 0, so that a chart has no gaps. */
  #report(result: ObservableResult): void {
    const counts = new Map<string, number>();
    for (const { spec } of this.#groups) {
      for (const rule of spec.rules) {
        const severity = rule.kind === 'alerting' ? rule.labels.find(({ name }) => name === 'severity') : undefined;
        if (severity?.text.kind === 'plain') counts.set(severity.source, 0);
      }
    }
    for (const { state, labels } of this.alerts()) {
      if (state !== 'firing') continue;
      const severity = labels.get('severity');
      counts.set(severity, (counts.get(severity) ?? 0) + 1);
    }
    for (const [severity, count] of counts) result.observe(count, { severity });
  }
}

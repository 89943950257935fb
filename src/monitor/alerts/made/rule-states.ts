/**
 * The state of every alerting rule, with the figure behind it: a value, no traffic, or no data. The figures cost queries, so an
 * answer is kept for some seconds, and those who ask at the same time share one.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Querier } from '../../../model/ports.ts';
import { figureAt } from '../rules/figure.ts';
import { TRIAL_LABEL } from '../rules/spec.ts';
import type { AlertingRuleView, RuleGroupView } from '../rules/view.ts';
import type { RuleFigure, RuleState } from '../../../model/rules/rule-shapes.ts';

const KEPT_MS = 10_000;
/** Rules whose figure is asked for; more are listed without one. */
const MAX_FIGURES = 200;
const TIMEOUT_MS = 5_000;

export class RuleStates {
  readonly #querier: Querier;
  readonly #clock: Clock;
  readonly #groups: () => readonly RuleGroupView[];
  #known: { readonly atMs: number; readonly states: Promise<RuleState[]> } | undefined;

  constructor(querier: Querier, clock: Clock, groups: () => readonly RuleGroupView[]) {
    this.#querier = querier;
    this.#clock = clock;
    this.#groups = groups;
  }

  all(): Promise<RuleState[]> {
    const atMs = this.#clock.monotonic();
    if (this.#known === undefined || atMs - this.#known.atMs > KEPT_MS) {
      this.#known = { atMs, states: this.#read(this.#clock.now()) };
    }
    return this.#known.states;
  }

  /** Forgets what is kept, after a change of the rules. */
  forget(): void {
    this.#known = undefined;
  }

  async #read(nowMs: number): Promise<RuleState[]> {
    const states: RuleState[] = [];
    for (const { name: group, file, rules } of this.#groups()) {
      for (const rule of rules) {
        if (rule.kind !== 'alerting') continue;
        const figure = states.length < MAX_FIGURES ? await this.#figure(rule.query, nowMs) : null;
        states.push({ ...stateOf(rule), group, file, figure });
      }
    }
    return states;
  }

  async #figure(query: string, nowMs: number): Promise<RuleFigure | null> {
    try {
      return await figureAt(query, this.#querier, nowMs, { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof VitrineError) return null;
      throw error;
    }
  }
}

function stateOf(rule: AlertingRuleView): Omit<RuleState, 'group' | 'file' | 'figure'> {
  const { name, query, forMs, labels, state, lastError, alerts } = rule;
  return {
    name,
    query,
    for_seconds: forMs / 1_000,
    severity: labels.get('severity'),
    trial: labels.get(TRIAL_LABEL) === 'true',
    state,
    error: lastError,
    firing: alerts.filter((alert) => alert.state === 'firing').length,
    pending: alerts.filter((alert) => alert.state === 'pending').length,
  };
}

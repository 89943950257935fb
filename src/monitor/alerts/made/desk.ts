/**
 * The place where rules are made, changed, tried and found. It holds the rules of files beside those that people made, and gives
 * both to the engine. Changes are applied one after the other; each is on the disk before it is acknowledged, and in the ledger.
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Querier } from '../../../model/ports.ts';
import { parseMatchers, matchesAll } from '../notify/file/matchers.ts';
import type { Pipeline } from '../notify/pipeline.ts';
import type { Ledger } from '../notify/state/ledger.ts';
import type { Incident } from '../replay/incidents.ts';
import { replay, type Replay } from '../replay/replay.ts';
import { samplesOf } from '../rules/recording.ts';
import { ruleFileText } from '../rules/rule-file-text.ts';
import type { AlertingSpec, GroupSpec } from '../rules/spec.ts';
import type { RuleGroupView } from '../rules/view.ts';
import { LinesOfAlerts } from './alert-lines.ts';
import type { MadeRule, MadeRules } from './book.ts';
import { RuleStates } from './rule-states.ts';
import { groupOf, specOf, type RuleForm } from './form.ts';

export interface RuleDeskOptions {
  readonly made: MadeRules;
  readonly ledger: Ledger;
  readonly pipeline: Pipeline;
  readonly resolveThroughMutes: boolean;
  readonly clock: Clock;
  /** For what people ask; rules have one of their own. */
  readonly querier: Querier;
  /** For groups that name none. */
  readonly intervalMs: number;
  /** Groups of the configuration. */
  readonly files: readonly GroupSpec[];
  /** The rules as they are judged now. */
  readonly views: () => readonly RuleGroupView[];
  readonly apply: (groups: readonly GroupSpec[]) => Promise<void>;
}

/** What a rule finds now: the test before it is saved. */
export interface Tried {
  readonly expr: string;
  /** A rule file with this rule alone. */
  readonly file: string;
  readonly found: readonly { readonly labels: Labels; readonly value: number }[];
  readonly count: number;
}

export interface ReplayOrder {
  readonly spec: AlertingSpec;
  readonly fromMs: number;
  readonly toMs: number;
  /** Matchers of the alerts that count as an incident. */
  readonly incidents: string;
  readonly known: readonly Incident[];
}

const MAX_SHOWN = 20;
const TRY_TIMEOUT_MS = 10_000;

export class RuleDesk {
  readonly made: MadeRules;
  readonly states: RuleStates;
  readonly lines: LinesOfAlerts;
  readonly #options: RuleDeskOptions;
  #files: readonly GroupSpec[];
  #applied: Promise<void> = Promise.resolve();

  constructor(options: RuleDeskOptions) {
    this.#options = options;
    this.made = options.made;
    this.states = new RuleStates(options.querier, options.clock, options.views);
    this.lines = new LinesOfAlerts(options.querier, options.clock, (labels) => this.ruleOf(labels));
    this.#files = options.files;
  }

  /** Rules of files and made ones. */
  groups(): readonly GroupSpec[] {
    return [...this.#files, ...this.made.groups()];
  }

  /** Takes over the rules of a new configuration. */
  async reload(files: readonly GroupSpec[]): Promise<void> {
    this.#files = files;
    await this.#apply();
  }

  #apply(): Promise<void> {
    const next = this.#applied.then(() => this.#options.apply(this.groups()));
    this.states.forget();
    // The next change is applied even when this one failed.
    this.#applied = next.catch(() => {});
    return next;
  }

  async create(form: RuleForm, by: string): Promise<MadeRule> {
    const rule = await this.made.create(form, by, this.#options.clock.now());
    return this.#changed(rule, 'created', by);
  }

  async replace(id: string, form: RuleForm, by: string): Promise<MadeRule> {
    const rule = await this.made.replace(id, form, by, this.#options.clock.now());
    return this.#changed(rule, 'changed', by);
  }

  async delete(id: string, by: string): Promise<MadeRule> {
    return this.#changed(await this.made.delete(id), 'deleted', by);
  }

  async #changed(rule: MadeRule, what: 'created' | 'changed' | 'deleted', by: string): Promise<MadeRule> {
    const { ledger, clock } = this.#options;
    const { id, form } = rule;
    const text = `rule ${form.name}${form.draft ? ' (a draft)' : ''} was ${what} by ${by}`;
    await ledger.record({ type: `vitrine_rule_${what}`, alerts: [], text, data: { id, form, by } }, clock.now());
    await this.#apply();
    return rule;
  }

  /** The alerting rule of this name. Drafts are found too. Throws VitrineError `not_found`. */
  find(name: string): AlertingSpec {
    const found = this.named(name);
    if (found !== undefined) return found;
    throw new VitrineError('not_found', `There is no alerting rule named ${JSON.stringify(name)}.`, {
      hint: '`GET /api/alerts/rules` has all of them.',
    });
  }

  named(name: string): AlertingSpec | undefined {
    const draft = this.made.named(name);
    if (draft !== undefined) return specOf(draft.form);
    for (const { rules } of this.#files) {
      for (const spec of rules) if (spec.kind === 'alerting' && spec.name === name) return spec;
    }
    return undefined;
  }

  /** The rule that an alert is of. Several may have its name: the one whose own labels the alert has. */
  ruleOf(labels: Labels): AlertingSpec | undefined {
    const name = labels.get('alertname');
    const draft = this.made.named(name);
    const found = [
      ...(draft === undefined ? [] : [specOf(draft.form)]),
      ...this.#files.flatMap(({ rules }) =>
        rules.filter((spec) => spec.kind === 'alerting').filter((spec) => spec.name === name),
      ),
    ];
    return found.find((spec) => fits(spec, labels)) ?? found[0];
  }

  /** All rules as one Prometheus rule file. */
  fileText(): string {
    return ruleFileText(this.groups());
  }

  /** Throws VitrineError `bad_request` for the rule, and the query's errors. Keeps nothing. */
  async try(form: RuleForm): Promise<Tried> {
    const spec = specOf(form);
    const { clock, querier } = this.#options;
    const { value } = await querier.instant(spec.expr, clock.now(), { timeoutMs: TRY_TIMEOUT_MS });
    const found = samplesOf(value).map(({ labels, value: v }) => ({ labels, value: v }));
    return {
      expr: spec.expr,
      file: ruleFileText([groupOf(spec)]),
      found: found.slice(0, MAX_SHOWN),
      count: found.length,
    };
  }

  replay(order: ReplayOrder, signal?: AbortSignal): Promise<Replay> {
    const { pipeline, querier, intervalMs, resolveThroughMutes } = this.#options;
    const matchers = parseMatchers(order.incidents);
    return replay(
      {
        ...order,
        intervalMs: this.#intervalOf(order.spec, intervalMs),
        isIncident: (labels) => matchesAll(matchers, labels),
        signal,
      },
      {
        querier,
        paging: {
          config: pipeline.config,
          resolveThroughMutes,
          mutedAt: (labels, atMs) => pipeline.mutedByPeopleAt(labels, atMs),
        },
      },
    );
  }

  #intervalOf({ name }: AlertingSpec, fallbackMs: number): number {
    const group = this.#files.find(({ rules }) => rules.some((rule) => rule.kind === 'alerting' && rule.name === name));
    return group?.intervalMs ?? fallbackMs;
  }
}

/** Labels that are templates say nothing before they are expanded. */
const fits = ({ labels: own }: AlertingSpec, labels: Labels): boolean =>
  own.every(({ name, source, text }) => text.kind !== 'plain' || labels.get(name) === source);

/**
 * Step 3, inhibit: an alert that matches the target side of a rule is muted while another alert fires that matches the source
 * side and has the same values in the labels of `equal`. An alert that matches both sides is not muted by one that does too,
 * so two alerts cannot mute each other.
 */
import type { Labels } from '../../../../model/labels.ts';
import { matchesAll } from '../file/matchers.ts';
import type { InhibitRule } from '../file/schema.ts';
import { isResolved, type StoredAlert } from './intake.ts';

export interface Inhibition {
  readonly rule: InhibitRule;
  /** Fingerprint of the alert that mutes. */
  readonly source: string;
  readonly sourceLabels: Labels;
}

/** Values of the labels in `equal`, as one text that cannot be forged. */
function equalKey({ equal }: InhibitRule, labels: Labels): string {
  return equal.map((name) => `${labels.get(name).length}:${labels.get(name)}`).join('');
}

/** The alerts that match the source side of each rule. The owner of the alerts tells of every update and removal. */
export class Inhibitor {
  readonly #rules: readonly {
    readonly rule: InhibitRule;
    readonly sources: Map<string, Map<string, StoredAlert>>;
  }[];

  constructor(rules: readonly InhibitRule[]) {
    this.#rules = rules.map((rule) => ({ rule, sources: new Map() }));
  }

  update(alert: StoredAlert): void {
    for (const { rule, sources } of this.#rules) {
      if (!matchesAll(rule.source, alert.labels)) continue;
      const key = equalKey(rule, alert.labels);
      const same = sources.get(key) ?? new Map<string, StoredAlert>();
      same.set(alert.fingerprint, alert);
      sources.set(key, same);
    }
  }

  remove(alert: StoredAlert): void {
    for (const { rule, sources } of this.#rules) {
      const key = equalKey(rule, alert.labels);
      const same = sources.get(key);
      if (same?.delete(alert.fingerprint) === true && same.size === 0) sources.delete(key);
    }
  }

  inhibitedBy(labels: Labels, nowMs: number): Inhibition | undefined {
    for (const { rule, sources } of this.#rules) {
      if (!matchesAll(rule.target, labels)) continue;
      const isBoth = matchesAll(rule.source, labels);
      for (const source of sources.get(equalKey(rule, labels))?.values() ?? []) {
        if (isResolved(source, nowMs) || (isBoth && matchesAll(rule.target, source.labels))) continue;
        return { rule, source: source.fingerprint, sourceLabels: source.labels };
      }
    }
    return undefined;
  }
}

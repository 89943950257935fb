/**
 * The noise report: for each rule, how often people were paged, how often somebody acted on it, how often it flapped, and which
 * rules never fired. Made from the ledger; pure.
 */
import type { NoiseReport } from '../../../model/rules/rule-shapes.ts';
import type { StoredEvent } from './state/ledger.ts';

/** The events that the report is made of. */
export const NOISE_EVENTS = [
  'alert_created',
  'notification',
  'silence_created',
  'vitrine_trial_alert',
  'vitrine_alert_flapping',
  'vitrine_alert_acknowledged',
  'vitrine_alert_assigned',
  'vitrine_alert_snoozed',
  'vitrine_alert_commented',
] as const;

const ACTS: ReadonlySet<string> = new Set(
  NOISE_EVENTS.filter((type) => /^silence|_(?:acknowledged|assigned|snoozed|commented)$/.test(type)),
);
const WEEK_MS = 7 * 86_400_000;

interface Counts {
  fired: number;
  pages: number;
  flapping: number;
  onTrial: number;
  readonly acted: Set<string>;
}

export interface NoiseQuestion {
  readonly fromMs: number;
  readonly toMs: number;
  readonly complete: boolean;
  /** Names of all alerting rules. */
  readonly rules: readonly string[];
  /** Name of the alert with this fingerprint, for alerts that began before the range. */
  readonly nameOf: (fingerprint: string) => string | undefined;
}

const firingIn = ({ data }: StoredEvent): readonly string[] =>
  Array.isArray(data['firingAlerts']) ? (data['firingAlerts'] as string[]) : [];

/** An alert that fires again is another one to act on. */
function countInto(of: (fingerprint: string) => Counts, events: readonly StoredEvent[]): void {
  const times = new Map<string, number>();
  const timesOf = (fingerprint: string): number => times.get(fingerprint) ?? 0;
  for (const event of events) {
    const { type, alerts } = event;
    if (type === 'notification') for (const one of new Set(firingIn(event).map(of))) one.pages += 1;
    for (const fingerprint of alerts) {
      if (type === 'alert_created') {
        of(fingerprint).fired += 1;
        times.set(fingerprint, timesOf(fingerprint) + 1);
      }
      if (type === 'vitrine_alert_flapping') of(fingerprint).flapping += 1;
      if (type === 'vitrine_trial_alert') of(fingerprint).onTrial += 1;
      if (ACTS.has(type)) of(fingerprint).acted.add(`${fingerprint} ${timesOf(fingerprint)}`);
    }
  }
}

export function noiseReport(events: readonly StoredEvent[], question: NoiseQuestion): NoiseReport {
  const { fromMs, toMs, complete, rules, nameOf } = question;
  const names = new Map<string, string>();
  for (const { type, data, alerts } of events) {
    const alert = data['alert'] as { readonly name?: string } | undefined;
    if (type === 'alert_created' && alerts.length === 1 && alert?.name !== undefined) names.set(alerts[0], alert.name);
  }
  const counts = new Map<string, Counts>();
  const of = (fingerprint: string): Counts => {
    const name = names.get(fingerprint) ?? nameOf(fingerprint) ?? 'unknown';
    const known = counts.get(name) ?? { fired: 0, pages: 0, flapping: 0, onTrial: 0, acted: new Set<string>() };
    counts.set(name, known);
    return known;
  };
  countInto(of, events);
  const weeks = Math.max(1, toMs - fromMs) / WEEK_MS;
  const list = [...counts].map(([name, { fired, pages, flapping, onTrial, acted }]) => ({
    name,
    fired,
    pages,
    pages_per_week: Math.round((pages / weeks) * 10) / 10,
    acted: acted.size,
    flapping,
    on_trial: onTrial,
  }));
  list.sort((a, b) => b.pages - a.pages || b.fired - a.fired || (a.name < b.name ? -1 : 1));
  return {
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
    complete,
    rules: list,
    never_fired: [...new Set(rules)].filter((name) => !counts.has(name)).sort(),
  };
}

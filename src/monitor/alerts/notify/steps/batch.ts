/**
 * Steps 3 and 4 as pure functions over a batch: the alerts of one group at one flush. Each step returns the batch with fewer
 * alerts and one more list of decisions, and each decision carries its reason.
 */
import type { Labels } from '../../../../model/labels.ts';
import type { Route } from '../file/route.ts';
import { intervalsAt, type TimeIntervals } from '../file/time-interval.ts';
import type { Inhibition } from './inhibit.ts';
import { isResolved, type StoredAlert } from './intake.ts';

/** The reasons for which an alert is muted. */
export type Mute =
  | { readonly kind: 'inhibition'; readonly by: Inhibition }
  | { readonly kind: 'silence'; readonly id: string; readonly comment: string; readonly createdBy: string }
  | { readonly kind: 'maintenance'; readonly name: string }
  | { readonly kind: 'snooze'; readonly by: string; readonly untilMs: number }
  | { readonly kind: 'trial' }
  | { readonly kind: 'mute_time_interval' | 'active_time_interval'; readonly names: readonly string[] };

export interface FlushedAlert {
  readonly alert: StoredAlert;
  readonly resolved: boolean;
}

export interface Decision {
  readonly alert: StoredAlert;
  readonly mute: Mute;
  /** True for the resolution of a delivered alert, which passes in spite of the mute. */
  readonly passed: boolean;
}

export interface Batch {
  readonly nowMs: number;
  readonly alerts: readonly FlushedAlert[];
  readonly decisions: readonly Decision[];
  /** Fingerprints of delivered alerts, whose resolution nothing mutes; empty with `resolve_through_mutes: false`. */
  readonly owed: ReadonlySet<string>;
}

/** The alerts of the group as they are at `nowMs`: one that fires now stays firing through all the steps. */
export function batchOf(alerts: Iterable<StoredAlert>, nowMs: number, owed: ReadonlySet<string>): Batch {
  const flushed = [...alerts].map((alert) => ({ alert, resolved: isResolved(alert, nowMs) }));
  return { nowMs, alerts: flushed.sort(inOrder), decisions: [], owed };
}

/** As Alertmanager sorts alerts: by `job`, by `instance`, then by their labels. `max_alerts` cuts the list in this order. */
function inOrder({ alert: { labels: a } }: FlushedAlert, { alert: { labels: b } }: FlushedAlert): number {
  for (const name of ['job', 'instance']) {
    const [x, y] = [a.get(name), b.get(name)];
    if (x !== y) return x === '' ? 1 : y === '' || x < y ? -1 : 1;
  }
  return compareLabels(a, b);
}

/** Fewer labels first; then by the first name that differs: the set that lacks it, or has the smaller value, is first. */
export function compareLabels(a: Labels, b: Labels): number {
  if (a.size !== b.size) return a.size - b.size;
  const names = [...new Set([...a, ...b].map(([name]) => name))].sort();
  for (const name of names) {
    const [x, y] = [a.get(name), b.get(name)];
    if (x !== y) return x === '' || (y !== '' && x < y) ? -1 : 1;
  }
  return 0;
}

/** Leaves out the alerts for which `muteOf` gives a reason. */
export function muted(batch: Batch, muteOf: (alert: StoredAlert) => Mute | undefined): Batch {
  const alerts: FlushedAlert[] = [];
  const decisions = [...batch.decisions];
  for (const one of batch.alerts) {
    const mute = muteOf(one.alert);
    const passed = mute !== undefined && one.resolved && batch.owed.has(one.alert.fingerprint);
    if (mute !== undefined) decisions.push({ alert: one.alert, mute, passed });
    if (mute === undefined || passed) alerts.push(one);
  }
  return { ...batch, alerts, decisions };
}

/** The time intervals of the route: mutes all alerts or none. */
export function mutedByTime(batch: Batch, route: Route, intervals: TimeIntervals): Batch {
  const mute = timeMute(route, intervals, batch.nowMs);
  return mute === undefined ? batch : muted(batch, () => mute);
}

export function timeMute(route: Route, intervals: TimeIntervals, nowMs: number): Mute | undefined {
  const { activeTimeIntervals: active, muteTimeIntervals: mute } = route;
  if (active.length > 0 && intervalsAt(intervals, active, nowMs).length === 0)
    return { kind: 'active_time_interval', names: active };
  const names = intervalsAt(intervals, mute, nowMs);
  return names.length > 0 ? { kind: 'mute_time_interval', names } : undefined;
}

/** One sentence for people. */
export function muteText(mute: Mute): string {
  switch (mute.kind) {
    case 'inhibition':
      return `inhibited by ${mute.by.source} (${mute.by.sourceLabels.get('alertname') || 'an alert'})${mute.by.rule.name === '' ? '' : ` by rule "${mute.by.rule.name}"`}`;
    case 'silence':
      return `silenced by ${mute.id} of ${mute.createdBy}${mute.comment === '' ? '' : `: ${mute.comment}`}`;
    case 'maintenance':
      return `in the maintenance window "${mute.name}"`;
    case 'snooze':
      return `snoozed by ${mute.by} until ${new Date(mute.untilMs).toISOString()}`;
    case 'trial':
      return 'on trial: its rule is tried, and nobody is told';
    case 'mute_time_interval':
      return `muted by the time interval ${mute.names.join(', ')}`;
    default:
      return `outside of the time interval ${mute.names.join(', ')}`;
  }
}

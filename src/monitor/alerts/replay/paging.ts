/**
 * Who would have been paged: the episodes of a rule through the pure steps of the pipeline (route, inhibit, time intervals,
 * silences, dedup), on a time of their own. The groups and their timers are kept here, because those of the pipeline wait for
 * the disk; a test plays the same script to both.
 */
import type { PipelineConfig } from '../notify/deliveries.ts';
import { groupKeyOf, groupLabelsOf, routesFor, type Route } from '../notify/file/route.ts';
import type { NotifyReason } from '../notify/notification.ts';
import { batchOf, muted, mutedByTime, muteText, type Batch, type Mute } from '../notify/steps/batch.ts';
import { dedup, type LogEntry } from '../notify/steps/dedup.ts';
import { fingerprintOf } from '../notify/steps/fingerprint.ts';
import { Inhibitor } from '../notify/steps/inhibit.ts';
import type { StoredAlert } from '../notify/steps/intake.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Episode } from './episodes.ts';

export interface Page {
  readonly atMs: number;
  readonly receiver: string;
  readonly groupKey: string;
  readonly reason: NotifyReason;
  readonly firing: number;
  readonly resolved: number;
}

export interface MutedCount {
  readonly text: string;
  readonly alerts: number;
}

export interface Paging {
  readonly pages: readonly Page[];
  /** Why alerts were muted at a flush, and how many of them. */
  readonly muted: readonly MutedCount[];
}

export interface PagingRules {
  readonly config: Pick<PipelineConfig, 'route' | 'inhibitRules' | 'timeIntervals' | 'channels'>;
  /** Silences, maintenance windows: as they were at that time. */
  readonly mutedAt: (labels: Labels, atMs: number) => Mute | undefined;
  readonly resolveThroughMutes: boolean;
  /** Alerts of other rules, which may inhibit. */
  readonly others: readonly Episode[];
  readonly toMs: number;
}

interface Group {
  readonly key: string;
  readonly route: Route;
  readonly alerts: Map<string, StoredAlert>;
  nextFlushMs: number;
}

interface Change {
  readonly atMs: number;
  readonly alert: StoredAlert;
  readonly isOther: boolean;
}

const NEVER_MS = Number.MAX_SAFE_INTEGER;

function changesOf(episodes: readonly Episode[], isOther: boolean): Change[] {
  return episodes.flatMap(({ labels, firedAtMs, endedAtMs, value }) => {
    if (firedAtMs === undefined) return [];
    const alert: StoredAlert = {
      labels,
      fingerprint: fingerprintOf(labels),
      annotations: {},
      startsAtMs: firedAtMs,
      endsAtMs: NEVER_MS,
      updatedAtMs: firedAtMs,
      isTimeout: false,
      generatorUrl: '',
      value,
    };
    const begin = { atMs: firedAtMs, alert, isOther };
    if (endedAtMs === undefined) return [begin];
    return [begin, { atMs: endedAtMs, alert: { ...alert, endsAtMs: endedAtMs, updatedAtMs: endedAtMs }, isOther }];
  });
}

class PagingRun {
  readonly #rules: PagingRules;
  readonly #inhibitor: Inhibitor;
  readonly #groups = new Map<string, Group>();
  readonly #log = new Map<string, LogEntry>();
  readonly pages: Page[] = [];
  readonly #muted = new Map<string, Set<string>>();

  constructor(rules: PagingRules) {
    this.#rules = rules;
    this.#inhibitor = new Inhibitor(rules.config.inhibitRules);
  }

  get muted(): MutedCount[] {
    return [...this.#muted].map(([text, alerts]) => ({ text, alerts: alerts.size }));
  }

  take({ alert, isOther, atMs }: Change): void {
    this.#inhibitor.update(alert);
    if (isOther) return;
    for (const route of routesFor(this.#rules.config.route, alert.labels)) {
      const labels = groupLabelsOf(alert.labels, route);
      const id = `${route.id}|${labels.key}`;
      const group = this.#groups.get(id) ?? {
        key: groupKeyOf(route, labels),
        route,
        alerts: new Map<string, StoredAlert>(),
        nextFlushMs: atMs + route.options.groupWaitMs,
      };
      group.alerts.set(alert.fingerprint, alert);
      this.#groups.set(id, group);
    }
  }

  /** The group that is flushed next. */
  next(): readonly [string, Group] | undefined {
    let first: readonly [string, Group] | undefined;
    for (const entry of this.#groups)
      if (first === undefined || entry[1].nextFlushMs < first[1].nextFlushMs) first = entry;
    return first;
  }

  flush([id, group]: readonly [string, Group]): void {
    const nowMs = group.nextFlushMs;
    group.nextFlushMs += Math.max(1, group.route.options.groupIntervalMs);
    const { receiver } = group.route.options;
    const key = `${id}|${receiver}`;
    const owed = this.#rules.resolveThroughMutes ? (this.#log.get(key)?.firing ?? []) : [];
    const batch = batchOf(group.alerts.values(), nowMs, new Set(owed));
    const open = this.#mute(batch, group.route);
    if (open.alerts.length > 0) this.#tell(open, group, key);
    for (const { alert, resolved } of batch.alerts) if (resolved) group.alerts.delete(alert.fingerprint);
    if (group.alerts.size === 0) this.#groups.delete(id);
  }

  #mute(batch: Batch, route: Route): Batch {
    const { nowMs } = batch;
    const inhibited = muted(batch, ({ labels }) => {
      const by = this.#inhibitor.inhibitedBy(labels, nowMs);
      return by === undefined ? undefined : { kind: 'inhibition', by };
    });
    const timed = mutedByTime(inhibited, route, this.#rules.config.timeIntervals);
    const open = muted(timed, ({ labels }) => this.#rules.mutedAt(labels, nowMs));
    for (const { mute, alert, passed } of open.decisions) {
      if (passed) continue;
      const text = muteText(mute);
      this.#muted.set(text, (this.#muted.get(text) ?? new Set()).add(alert.fingerprint));
    }
    return open;
  }

  #tell({ alerts, nowMs }: Batch, group: Group, key: string): void {
    const { receiver, repeatIntervalMs } = group.route.options;
    const of = (resolved: boolean): Set<string> =>
      new Set(alerts.filter((one) => one.resolved === resolved).map(({ alert }) => alert.fingerprint));
    const now = { firing: of(false), resolved: of(true) };
    const channels = this.#rules.config.channels.get(receiver) ?? [];
    const sendResolved = channels.some((channel) => channel.receiver.sendResolved);
    const decision = dedup(this.#log.get(key), now, { repeatIntervalMs, sendResolved, isAcknowledged: false, nowMs });
    if (decision.kind === 'quiet') return;
    this.#log.set(key, { firing: [...now.firing], resolved: [...now.resolved], atMs: nowMs });
    if (now.firing.size === 0 && !sendResolved) return;
    this.pages.push({
      atMs: nowMs,
      receiver,
      groupKey: group.key,
      reason: decision.reason,
      firing: now.firing.size,
      resolved: sendResolved ? now.resolved.size : 0,
    });
  }
}

/** Pure: the same episodes and rules give the same pages. */
export function pagingOf(episodes: readonly Episode[], rules: PagingRules): Paging {
  const changes = [...changesOf(episodes, false), ...changesOf(rules.others, true)].sort((a, b) => a.atMs - b.atMs);
  const run = new PagingRun(rules);
  let at = 0;
  for (;;) {
    const next = run.next();
    const change = changes.at(at);
    const flushMs = next?.[1].nextFlushMs ?? Infinity;
    if (change !== undefined && change.atMs <= flushMs) {
      run.take(change);
      at += 1;
    } else if (next !== undefined && flushMs <= rules.toMs) run.flush(next);
    else return { pages: run.pages, muted: run.muted };
  }
}

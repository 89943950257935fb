/**
 * The groups of alerts and their timers. A group is flushed after `group_wait`, then every `group_interval` while it has
 * alerts. The next flush is on disk, so that a restart does not begin to wait anew; it is written when the flush before it has
 * ended.
 */
import type { Clock } from '../../../../base/clock.ts';
import type { Labels } from '../../../../model/labels.ts';
import { groupKeyOf, type Route } from '../file/route.ts';
import type { StoredAlert } from '../steps/intake.ts';
import type { StateStore } from './records.ts';

export interface Group {
  /** Unique: routes with the same matchers share a group key. */
  readonly id: string;
  readonly route: Route;
  readonly labels: Labels;
  /** `{}:{alertname="Down"}`. */
  readonly key: string;
  readonly alerts: Map<string, StoredAlert>;
  /** Why an alert was muted at the last flush, by fingerprint: a reason that stays is journalled once. */
  readonly muted: Map<string, string>;
  nextFlushMs: number;
  flushId: number;
}

interface Timer {
  cancel: () => void;
  /** Of the flush beside those of the interval. */
  cancelWake: () => void;
  flushing: boolean;
  /** The timer fired during a flush. */
  missed: boolean;
}

/** More are refused and counted. */
const MAX_GROUPS = 20_000;
const LONGEST_TIMER_MS = 86_400_000;

export interface GroupsOptions {
  readonly state: StateStore;
  readonly clock: Clock;
  /** Flushes once; must not throw. */
  readonly flush: (group: Group, nowMs: number) => Promise<void>;
  readonly onFailure: (error: unknown) => void;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #groups = new Map<string, { readonly group: Group; readonly timer: Timer }>();
  readonly #saved = new Map<string, { readonly nextFlushMs: number; readonly flushId: number }>();
  #isClosed = false;
  readonly #running = new Set<Promise<void>>();
  /** Groups that were not made because there are too many. */
  refused = 0;

  constructor(options: GroupsOptions) {
    this.#options = options;
    const rows = options.state.db.prepare('SELECT key, next_flush, flush_id FROM notify_groups').all();
    for (const row of rows) {
      this.#saved.set(String(row['key']), { nextFlushMs: Number(row['next_flush']), flushId: Number(row['flush_id']) });
    }
  }

  get size(): number {
    return this.#groups.size;
  }

  values(): Group[] {
    return [...this.#groups.values()].map(({ group }) => group);
  }

  /** Puts the alert into its group of this route. Undefined when there are too many groups. */
  put(
    alert: StoredAlert,
    route: Route,
    labels: Labels,
  ): { readonly group: Group; readonly isNew: boolean } | undefined {
    const id = `${route.id}|${labels.key}`;
    const known = this.#groups.get(id)?.group;
    if (known !== undefined) {
      const isNew = !known.alerts.has(alert.fingerprint);
      known.alerts.set(alert.fingerprint, alert);
      return { group: known, isNew };
    }
    if (this.#groups.size >= MAX_GROUPS) {
      this.refused += 1;
      return undefined;
    }
    const nowMs = this.#options.clock.now();
    const saved = this.#saved.get(id);
    const isOld = alert.startsAtMs + route.options.groupWaitMs < nowMs;
    const group: Group = {
      id,
      route,
      labels,
      key: groupKeyOf(route, labels),
      alerts: new Map([[alert.fingerprint, alert]]),
      muted: new Map(),
      // An alert that is older than the wait has waited somewhere else, such as in Prometheus.
      nextFlushMs: saved?.nextFlushMs ?? (isOld ? nowMs : nowMs + route.options.groupWaitMs),
      flushId: saved?.flushId ?? 1,
    };
    const timer: Timer = { cancel: () => {}, cancelWake: () => {}, flushing: false, missed: false };
    this.#groups.set(id, { group, timer });
    this.#save(group);
    this.#arm(group, timer);
    return { group, isNew: true };
  }

  #save({ id, nextFlushMs, flushId }: Group): void {
    this.#saved.set(id, { nextFlushMs, flushId });
    this.#options.state
      .change((db) => {
        db.prepare('INSERT OR REPLACE INTO notify_groups (key, next_flush, flush_id) VALUES (?, ?, ?)').run(
          id,
          nextFlushMs,
          flushId,
        );
      })
      .catch(this.#options.onFailure);
  }

  #remove({ id }: Group): void {
    const timer = this.#groups.get(id)?.timer;
    timer?.cancel();
    timer?.cancelWake();
    this.#groups.delete(id);
    this.#saved.delete(id);
    this.#options.state
      .change((db) => void db.prepare('DELETE FROM notify_groups WHERE key = ?').run(id))
      .catch(this.#options.onFailure);
  }

  #arm(group: Group, timer: Timer): void {
    const { clock } = this.#options;
    const delayMs = Math.max(0, group.nextFlushMs - clock.now());
    timer.cancel = clock.after(Math.min(delayMs, LONGEST_TIMER_MS), () => {
      if (this.#isClosed) return;
      if (group.nextFlushMs - clock.now() > 1) this.#arm(group, timer);
      else this.#fire(group, timer);
    });
  }

  #fire(group: Group, timer: Timer): void {
    const nowMs = this.#options.clock.now();
    group.nextFlushMs = nowMs + group.route.options.groupIntervalMs;
    group.flushId += 1;
    this.#arm(group, timer);
    this.#start(group, timer, nowMs);
  }

  #start(group: Group, timer: Timer, nowMs: number): void {
    if (timer.flushing) {
      timer.missed = true;
      return;
    }
    const run = this.#flush(group, timer, nowMs);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** One more flush at `atMs`, beside those of the interval; it replaces the one that was asked for before. */
  wake(group: Group, atMs: number): void {
    const timer = this.#groups.get(group.id)?.timer;
    if (timer === undefined || this.#isClosed) return;
    const { clock } = this.#options;
    timer.cancelWake();
    timer.cancelWake = clock.after(Math.min(Math.max(0, atMs - clock.now()), LONGEST_TIMER_MS), () => {
      if (this.#isClosed) return;
      if (atMs - clock.now() > 1) this.wake(group, atMs);
      else this.#start(group, timer, clock.now());
    });
  }

  async #flush(group: Group, timer: Timer, nowMs: number): Promise<void> {
    timer.flushing = true;
    for (let atMs = nowMs; ; atMs = this.#options.clock.now()) {
      timer.missed = false;
      await this.#options.flush(group, atMs);
      if (!timer.missed || this.#isClosed) break;
    }
    timer.flushing = false;
    if (this.#groups.get(group.id)?.group !== group) return;
    if (group.alerts.size === 0) this.#remove(group);
    // Not before: a flush that is cut off is done again after the start, and not an interval later.
    else if (!this.#isClosed) this.#save(group);
  }

  /** Forgets the timers of groups that no alert has brought back. */
  sweep(): void {
    const gone = [...this.#saved.keys()].filter((id) => !this.#groups.has(id));
    for (const id of gone) this.#saved.delete(id);
    if (gone.length === 0) return;
    this.#options.state
      .change((db) => {
        const remove = db.prepare('DELETE FROM notify_groups WHERE key = ?');
        for (const id of gone) remove.run(id);
      })
      .catch(this.#options.onFailure);
  }

  /** Ends all timers, and keeps the times of the next flushes for groups that are made again. Resolves after the last flush. */
  async stop(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#groups.values()) {
      timer.cancel();
      timer.cancelWake();
    }
    await Promise.all(this.#running);
    this.#groups.clear();
  }
}

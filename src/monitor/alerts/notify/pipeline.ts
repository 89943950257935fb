/**
 * The pipeline of notifications, one line of steps:
 *
 *   intake → route → inhibit → silence and time intervals → group → wait → dedup → escalate → deliver → journal
 *
 * `take` does intake, route and group; the timer of the group is the wait; `#flush` does the rest. The steps are pure
 * functions of `steps/` and `file/`; this class holds the state that they need. Grouping comes before muting, as in
 * Alertmanager: a muted alert is in its group, and is sent when the mute ends.
 *
 * Delivery is at least once: the notification log is written after the delivery, so a kill between the two repeats one message.
 */
import { every, type Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { Labels } from '../../../model/labels.ts';
import { Deliveries, type PipelineConfig, type PipelineFigures, type Recipients } from './deliveries.ts';
import type { ReceiverSpec } from './file/read.ts';
import { groupLabelsOf, routesFor } from './file/route.ts';
import { Journal } from './journal.ts';
import { Muting } from './muting.ts';
import type { DataSources } from './notification-data.ts';
import { AlertStore, MAX_ALERTS } from './state/alerts.ts';
import { CareBook } from './state/care.ts';
import { Groups, type Group } from './state/groups.ts';
import type { Ledger } from './state/ledger.ts';
import { Maintenance } from './state/maintenance.ts';
import { Escalations } from './state/escalations.ts';
import { OnCallBook } from './state/oncall-book.ts';
import type { StateStore } from './state/records.ts';
import { Silences } from './state/silences.ts';
import { batchOf, timeMute, type Batch, type Mute } from './steps/batch.ts';
import { escalate } from './steps/escalate.ts';
import { FlapBook, heldFrom, type FlappingOptions } from './steps/flapping.ts';
import type { Dependencies } from './steps/topology.ts';
import { isOnTrial, isResolved, joined, takeIn, type PostedAlert, type StoredAlert } from './steps/intake.ts';
import { keptOver, LOOK_MS, wasAway } from './steps/outage.ts';

export interface PipelineOptions {
  readonly config: PipelineConfig;
  readonly state: StateStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly random: Random;
  readonly sources: Omit<DataSources, 'careOf'>;
  readonly resolveThroughMutes: boolean;
  /** Undefined: alerts that begin and end again and again are not held. */
  readonly flapping?: FlappingOptions | undefined;
  /** Undefined: only the inhibit rules of the file mute. */
  readonly topology?: Dependencies | undefined;
  readonly figures: PipelineFigures;
  readonly onFailure: (error: unknown) => void;
}

export class Pipeline {
  readonly alerts: AlertStore;
  readonly silences: Silences;
  readonly care: CareBook;
  readonly maintenance: Maintenance;
  readonly oncall: OnCallBook;
  readonly escalations: Escalations;
  readonly #options: PipelineOptions;
  readonly #journal: Journal;
  readonly #deliveries: Deliveries;
  #config: PipelineConfig;
  readonly #muting: Muting;
  readonly #flaps: FlapBook | undefined;
  #groups: Groups;
  #lastLookMs: number;
  readonly #stopLooks: () => void;

  constructor(options: PipelineOptions) {
    const { state } = options;
    this.#options = options;
    this.#config = options.config;
    this.#journal = new Journal(options.ledger);
    this.alerts = new AlertStore(state);
    this.silences = new Silences(state);
    this.care = new CareBook(state);
    this.maintenance = new Maintenance(state);
    this.oncall = new OnCallBook(state);
    this.escalations = new Escalations(state, options.onFailure);
    this.#deliveries = new Deliveries({
      ...options,
      care: this.care,
      journal: this.#journal,
      take: (alerts) => this.take(alerts),
    });
    this.#muting = new Muting(this, options.config.inhibitRules, options.topology);
    this.#flaps = options.flapping === undefined ? undefined : new FlapBook(options.flapping);
    this.#groups = this.#newGroups();
    this.#lastLookMs = -Infinity;
    this.#look(options.clock.now());
    this.#regroup();
    this.#stopLooks = every(options.clock, LOOK_MS, () => this.#look(options.clock.now()), options.onFailure);
  }

  /** After a time in which nothing could arrive, alerts whose end nobody has said go on. */
  #look(nowMs: number): void {
    const away = wasAway(this.#lastLookMs, nowMs);
    this.#lastLookMs = nowMs;
    if (!away) return;
    const kept = [...this.alerts.values()].flatMap((alert) => keptOver(alert, nowMs) ?? []);
    if (kept.length === 0) return;
    this.alerts.set(kept).catch(this.#options.onFailure);
    for (const alert of kept) if (!isOnTrial(alert)) this.#muting.update(alert);
    for (const { alerts } of this.#groups.values())
      for (const alert of kept) if (alerts.has(alert.fingerprint)) alerts.set(alert.fingerprint, alert);
  }

  get config(): PipelineConfig {
    return this.#config;
  }

  get groups(): readonly Group[] {
    return this.#groups.values();
  }

  #newGroups(): Groups {
    const { state, clock, onFailure } = this.#options;
    return new Groups({ state, clock, onFailure, flush: (group, nowMs) => this.#flush(group, nowMs) });
  }

  /** Puts all known alerts into groups: after a start, and under a new configuration. */
  #regroup(): void {
    for (const alert of this.alerts.values()) {
      if (isOnTrial(alert)) continue;
      this.#muting.update(alert);
      for (const route of routesFor(this.#config.route, alert.labels)) {
        const put = this.#groups.put(alert, route, groupLabelsOf(alert.labels, route));
        // A step may have become due while nothing ran.
        if (put?.isNew === true && this.escalations.has(put.group.id)) this.#groups.wake(put.group, 0);
      }
    }
  }

  async reload(config: PipelineConfig): Promise<void> {
    await this.#groups.stop();
    // The timers that the new groups go on with must be written.
    await this.#options.state.change(() => {});
    this.#config = config;
    this.#muting.restart(config.inhibitRules);
    this.#groups = this.#newGroups();
    this.#regroup();
  }

  /** Resolves with the reasons of refused alerts when the accepted ones are on the disk; rejects when they cannot be kept. */
  async take(posted: readonly PostedAlert[]): Promise<string[]> {
    const { clock, figures } = this.#options;
    const nowMs = clock.now();
    this.#look(nowMs);
    const refused: string[] = [];
    const accepted: StoredAlert[] = [];
    for (const one of posted) {
      const intake = takeIn(one, nowMs, this.#config.resolveTimeoutMs);
      if (intake.kind === 'refused') refused.push(intake.reason);
      else if (this.alerts.size >= MAX_ALERTS && this.alerts.get(intake.alert.fingerprint) === undefined)
        refused.push(`there are ${MAX_ALERTS} alerts already`);
      else accepted.push(this.#put(intake.alert, nowMs));
    }
    if (refused.length > 0) figures.refused('intake', refused.length);
    if (accepted.length > 0) await this.alerts.set(accepted);
    return refused;
  }

  #put(posted: StoredAlert, nowMs: number): StoredAlert {
    const known = this.alerts.get(posted.fingerprint);
    const seen = this.#flaps?.seen(posted, nowMs) ?? { alert: posted, isHeld: false, isNews: false };
    if (seen.isNews) this.#journal.flapping(seen.alert, this.#options.flapping, nowMs);
    const alert = seen.isHeld ? heldFrom(known, seen.alert) : joined(known, seen.alert);
    this.care.refired(known, alert, nowMs).catch(this.#options.onFailure);
    // Held at once, so that the next alert of this call sees it.
    this.alerts.hold(alert);
    // An alert that had ended and fires again is new, although the ended one may still be held.
    const isNew = known === undefined || (isResolved(known, nowMs) && !isResolved(alert, nowMs));
    if (isNew) this.#journal.created(alert, nowMs);
    if (isOnTrial(alert)) return this.#recorded(known, alert, nowMs);
    this.#muting.update(alert);
    for (const route of routesFor(this.#config.route, alert.labels)) {
      const put = this.#groups.put(alert, route, groupLabelsOf(alert.labels, route));
      if (put === undefined) this.#options.figures.refused('groups', 1);
      else if (put.isNew) this.#journal.grouped(alert, put.group, nowMs);
    }
    return alert;
  }

  /** An alert on trial ends here: its begin and its end are journalled, and it mutes nothing. */
  #recorded(known: StoredAlert | undefined, alert: StoredAlert, nowMs: number): StoredAlert {
    const resolved = isResolved(alert, nowMs);
    if (known !== undefined && isResolved(known, nowMs) === resolved) return alert;
    const receivers = routesFor(this.#config.route, alert.labels).map(({ options }) => options.receiver);
    this.#journal.onTrial(alert, receivers, nowMs);
    if (!resolved) this.#options.figures.suppressed('trial', 1);
    return alert;
  }

  async #flush(group: Group, nowMs: number): Promise<void> {
    const receiver = this.#config.receivers.get(group.route.options.receiver);
    if (receiver === undefined || group.alerts.size === 0) return;
    this.#look(nowMs);
    const batch = batchOf(group.alerts.values(), nowMs, this.#owed(group, receiver));
    const open = this.#muting.open(batch, group.route, this.#config.timeIntervals);
    for (const { mute, passed } of open.decisions) if (!passed) this.#options.figures.suppressed(mute.kind, 1);
    this.#journal.decisions(group, open.decisions, nowMs);
    const recipients = this.#recipients(group, receiver, batch, open);
    if (await this.#deliveries.all(group, this.#config, recipients, open)) this.#settle(group, batch);
  }

  /** Delivered alerts whose end somebody who was told of them has not been told. */
  #owed(group: Group, receiver: ReceiverSpec): ReadonlySet<string> {
    if (!this.#options.resolveThroughMutes) return new Set();
    const told = this.escalations.told(group.id, this.#config.receivers);
    return new Set([receiver, ...told].flatMap((one) => [...this.#deliveries.owed(group, one)]));
  }

  /** The receiver of the route; with a policy, also those whose step has come. */
  #recipients(group: Group, receiver: ReceiverSpec, batch: Batch, open: Batch): Recipients {
    const { receivers } = escalate(open, receiver, this.#config.receivers);
    const policy = this.#config.oncall.policies.get(receiver.name);
    if (policy === undefined || receivers.length !== 1 || receivers[0] !== receiver)
      return { receivers, again: new Set(), relieved: new Set() };
    const { nowMs } = batch;
    const firing = open.alerts.filter(({ resolved }) => !resolved);
    const look = this.escalations.look(group.id, {
      policy,
      schedules: this.oncall.schedules(this.#config.oncall),
      people: this.#config.oncall.people,
      isFiring: batch.alerts.some(({ resolved }) => !resolved),
      // Muted alerts escalate as little as acknowledged ones.
      isAcknowledged: firing.every(({ alert }) => this.care.of(alert.fingerprint).acknowledged !== undefined),
      nowMs,
    });
    this.#journal.escalated(group, look.news, nowMs);
    if (look.nextMs !== undefined) this.#groups.wake(group, look.nextMs);
    const told = look.receivers.flatMap((name) => this.#config.receivers.get(name) ?? []);
    return { receivers: [...new Set([receiver, ...told])], again: look.again, relieved: look.relieved };
  }

  /** The silence or window that mutes these labels at any time, the past included. */
  mutedByPeopleAt = (labels: Labels, atMs: number): Mute | undefined => this.#muting.byPeople(labels, atMs);

  isFlapping(fingerprint: string): boolean {
    return this.#flaps?.isFlapping(fingerprint, this.#options.clock.now()) === true;
  }

  /** All reasons for which the alert would be muted now, for people and the API. */
  mutesOf(alert: StoredAlert, nowMs: number): Mute[] {
    return this.#muting.of(alert, nowMs);
  }

  /** The mute of a whole group by time. */
  timeMuteOf({ route }: Group, nowMs: number): Mute | undefined {
    return timeMute(route, this.#config.timeIntervals, nowMs);
  }

  /** Resolved alerts leave the group, unless they have changed since the flush began. */
  #settle(group: Group, batch: Batch): void {
    for (const { alert, resolved } of batch.alerts) {
      if (!resolved || group.alerts.get(alert.fingerprint) !== alert) continue;
      group.alerts.delete(alert.fingerprint);
      group.muted.delete(alert.fingerprint);
      this.#journal.resolved(alert, group, batch.nowMs);
    }
  }

  /** Tries channels and templates, past all steps. */
  get tests(): Pick<Deliveries, 'test' | 'sample'> {
    return this.#deliveries;
  }

  /** Forgets what is over: resolved alerts that no group holds, old silences and log entries. */
  async sweep(): Promise<void> {
    const nowMs = this.#options.clock.now();
    this.#look(nowMs);
    const held = new Set(this.#groups.values().flatMap(({ alerts }) => [...alerts.keys()]));
    const gone = [...this.alerts.values()].filter((alert) => isResolved(alert, nowMs) && !held.has(alert.fingerprint));
    for (const alert of gone) this.#muting.remove(alert);
    if (gone.length > 0) await this.alerts.delete(gone.map(({ fingerprint }) => fingerprint));
    this.#groups.sweep();
    await this.escalations.sweep(new Set(this.#groups.values().map(({ id }) => id)));
    await this.oncall.sweep(nowMs);
    await this.silences.sweep(nowMs);
    await this.#deliveries.sweep(nowMs);
    await this.#options.ledger.sweep(nowMs);
  }

  /** Deliveries in progress are given up; they are repeated after the next start. */
  async close(): Promise<void> {
    this.#stopLooks();
    this.#deliveries.stop();
    await this.#groups.stop();
  }
}

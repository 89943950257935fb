/**
 * Steps 7 to 9 for each integration of a receiver: dedup by the notification log, deliver with tries, write the log. The
 * integrations work side by side, and one that is down delays no other.
 */
import type { Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import type { OnCallPlan } from '../oncall/config.ts';
import type { Delivery, Notification, NotifyReason, Receiver } from './notification.ts';
import { ChannelHealth } from './channel-health.ts';
import { deliver, type Attempts } from './deliver.ts';
import type { Integration, NotifyConfig, ReceiverSpec } from './file/read.ts';
import type { Journal } from './journal.ts';
import { notificationOf, type DataSources } from './notification-data.ts';
import type { CareBook } from './state/care.ts';
import type { Group } from './state/groups.ts';
import { logKey, NotificationLog, type LogRecord } from './state/notification-log.ts';
import type { StateStore } from './state/records.ts';
import type { Batch, FlushedAlert, Mute } from './steps/batch.ts';
import { dedup, type GroupNow } from './steps/dedup.ts';
import type { PostedAlert, StoredAlert } from './steps/intake.ts';

/** A receiver's entry, ready to send. */
export interface Channel extends Integration {
  readonly receiver: Receiver;
}

export interface PipelineConfig extends NotifyConfig {
  readonly oncall: OnCallPlan;
  readonly channels: ReadonlyMap<string, readonly Channel[]>;
  readonly renderLabels: (labels: Readonly<Record<string, string>>, group: Group) => Promise<Record<string, string>>;
}

/** Who is told; `again`: even when nothing has changed for them. */
export interface Recipients {
  readonly receivers: readonly ReceiverSpec[];
  readonly again: ReadonlySet<string>;
  /** They were told and somebody else has taken over: only the end is sent to them. */
  readonly relieved: ReadonlySet<string>;
}

interface Recipient {
  readonly name: string;
  readonly channel: Channel;
  readonly again: boolean;
  readonly relieved: boolean;
}

export interface PipelineFigures {
  notified(receiver: string, kind: string): void;
  failed(receiver: string, kind: string, reason: string): void;
  suppressed(reason: Mute['kind'], count: number): void;
  refused(reason: string, count: number): void;
}

export interface DeliveriesOptions {
  readonly state: StateStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly care: CareBook;
  readonly journal: Journal;
  readonly sources: Omit<DataSources, 'careOf'>;
  readonly figures: PipelineFigures;
  /** Takes alerts about channels. */
  readonly take: (alerts: readonly PostedAlert[]) => Promise<unknown>;
  readonly onFailure: (error: unknown) => void;
}

/** A flush may take as long as the group's interval, and at least this long. */
const SHORTEST_FLUSH_MS = 10_000;

/** One integration and what it has to be told. */
interface Task {
  readonly group: Group;
  readonly name: string;
  readonly channel: Channel;
  readonly sent: readonly FlushedAlert[];
  readonly reason: NotifyReason;
  readonly memory: LogRecord['memory'];
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #log: NotificationLog;
  readonly #health = new ChannelHealth();
  readonly #stop = new AbortController();

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#log = new NotificationLog(options.state);
  }

  /** Delivered alerts whose end some integration of the receiver has not been told. */
  owed(group: Group, { name, integrations }: ReceiverSpec): ReadonlySet<string> {
    const keys = integrations.map(({ kind, index }) => logKey(group.key, name, kind.name, index));
    return new Set(keys.flatMap((key) => this.#log.get(key)?.firing ?? []));
  }

  /** True when every integration has been told, or needs not be. */
  async all(group: Group, config: PipelineConfig, to: Recipients, batch: Batch): Promise<boolean> {
    if (batch.alerts.length === 0) return true;
    const { clock } = this.#options;
    const late = new AbortController();
    const cancel = clock.after(Math.max(SHORTEST_FLUSH_MS, group.route.options.groupIntervalMs), () => late.abort());
    const signal = AbortSignal.any([late.signal, this.#stop.signal]);
    try {
      const channels = to.receivers.flatMap(({ name }) =>
        (config.channels.get(name) ?? []).map((channel) => ({
          name,
          channel,
          again: to.again.has(name),
          relieved: to.relieved.has(name),
        })),
      );
      const done = await Promise.all(channels.map((one) => this.#one(group, config, one, batch, signal)));
      return done.every(Boolean);
    } finally {
      cancel();
    }
  }

  async #one(
    group: Group,
    config: PipelineConfig,
    { name, channel, again, relieved }: Recipient,
    batch: Batch,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { options } = group.route;
    const { kind, index, receiver } = channel;
    const key = logKey(group.key, name, kind.name, index);
    const last = this.#log.get(key);
    const now = nowOf(batch.alerts);
    const decision = dedup(last, now, {
      repeatIntervalMs: again ? 0 : options.repeatIntervalMs,
      sendResolved: receiver.sendResolved,
      isAcknowledged: this.#allAcknowledged(now),
      nowMs: batch.nowMs,
    });
    const { journal } = this.#options;
    if (decision.kind === 'quiet') {
      // The end of alerts that nobody heard of; other quiet flushes change nothing.
      if (now.firing.size === 0) journal.quiet(group, batch.alerts, name, decision.why, batch.nowMs);
      return true;
    }
    if (relieved && decision.reason !== 'all alerts resolved') return true;
    const sent = receiver.sendResolved ? batch.alerts : batch.alerts.filter(({ resolved }) => !resolved);
    const memory = decision.reason === 'first notification' ? {} : (last?.memory ?? {});
    if (sent.length === 0) {
      journal.quiet(group, batch.alerts, name, 'this receiver wants no resolved alerts (send_resolved)', batch.nowMs);
      await this.#written(key, now, memory, options.repeatIntervalMs);
      return true;
    }
    const task = { group, name, channel, sent, reason: decision.reason, memory };
    const { delivery } = await this.#send(task, config, signal);
    if (delivery.kind === 'failed') return false;
    await this.#written(key, now, { ...memory, ...delivery.memory }, options.repeatIntervalMs);
    return true;
  }

  async #send(task: Task, config: PipelineConfig, signal: AbortSignal): Promise<Attempts> {
    const { group, name, channel, sent, reason, memory } = task;
    const { clock, random, figures, journal } = this.#options;
    const notification = await notificationOf(
      {
        receiver: name,
        alerts: sent,
        reason,
        groupKey: group.key,
        groupLabels: group.labels.toJSON(),
        routeLabels: await config.renderLabels(group.route.options.labels, group),
        memory,
      },
      this.#sources(),
    );
    const integration = { name: channel.kind.name, index: channel.index };
    const attempts = await deliver(channel.receiver, notification, signal, {
      clock,
      random,
      onFailure: (failure, tries) => {
        figures.failed(name, integration.name, failure.reason);
        this.#troubled(task, failure.message);
        const facts = { ...failure, integration, tries, receiver: name, isFinal: false };
        // The first failure and the last are journalled; those between are counted.
        if (tries === 1) journal.failed(group, sent, facts, clock.now());
      },
    });
    const { delivery, tries, tookMs } = attempts;
    if (delivery.kind === 'failed') {
      const facts = { ...delivery, integration, tries, receiver: name, isFinal: true };
      if (tries > 1) journal.failed(group, sent, facts, clock.now());
      return attempts;
    }
    figures.notified(name, integration.name);
    journal.notified(group, sent, { reason, receiver: name, integration, tries, tookMs }, clock.now());
    this.#told(task);
    return attempts;
  }

  #troubled({ name, channel }: Task, message: string): void {
    const told = { receiver: name, kind: channel.kind.name, index: channel.index };
    this.#post(this.#health.failed(told, message, this.#options.clock.now()));
  }

  #told({ name, channel }: Task): void {
    const told = { receiver: name, kind: channel.kind.name, index: channel.index };
    this.#post(this.#health.delivered(told, this.#options.clock.now()));
  }

  #post(alert: PostedAlert | undefined): void {
    if (alert !== undefined) this.#options.take([alert]).catch(this.#options.onFailure);
  }

  /** A message was sent: when this cannot be written, the memory of this process still prevents a second one. */
  async #written(key: string, now: GroupNow, memory: LogRecord['memory'], repeatIntervalMs: number): Promise<void> {
    const entry = { firing: [...now.firing], resolved: [...now.resolved], atMs: this.#options.clock.now(), memory };
    try {
      await this.#log.set(key, entry, repeatIntervalMs);
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  #sources(): DataSources {
    const { sources, care } = this.#options;
    return { ...sources, careOf: (fingerprint) => care.of(fingerprint) };
  }

  #allAcknowledged({ firing }: GroupNow): boolean {
    const { care } = this.#options;
    return firing.size > 0 && [...firing].every((fingerprint) => care.of(fingerprint).acknowledged !== undefined);
  }

  /** What a receiver of this name would be sent about one alert. */
  sample(name: string, alert: StoredAlert, isTest = true): Promise<Notification> {
    const alertname = alert.labels.get('alertname');
    const parts = {
      receiver: name,
      alerts: [{ alert, resolved: false }],
      reason: 'first notification',
      groupKey: `{}:{alertname="${alertname}"}`,
      groupLabels: { alertname },
      routeLabels: {},
      memory: {},
      isTest,
    } as const;
    return notificationOf(parts, this.#sources());
  }

  /** Sends a message to every integration of a receiver, past all other steps. */
  async test(
    name: string,
    channels: readonly Channel[],
    alert: StoredAlert,
  ): Promise<{ readonly kind: string; readonly index: number; readonly delivery: Delivery }[]> {
    const notification = await this.sample(name, alert);
    const signal = AbortSignal.any([AbortSignal.timeout(SHORTEST_FLUSH_MS), this.#stop.signal]);
    return Promise.all(
      channels.map(async ({ kind, index, receiver }) => ({
        kind: kind.name,
        index,
        delivery: await receiver.send(notification, signal),
      })),
    );
  }

  sweep(nowMs: number): Promise<void> {
    return this.#log.sweep(nowMs);
  }

  /** Deliveries in progress are given up; they are repeated after the next start. */
  stop(): void {
    this.#stop.abort();
  }
}

function nowOf(alerts: readonly FlushedAlert[]): GroupNow {
  const of = (resolved: boolean): Set<string> =>
    new Set(alerts.filter((one) => one.resolved === resolved).map(({ alert }) => alert.fingerprint));
  return { firing: of(false), resolved: of(true) };
}

/** Steps 3 and 4 with the state that they need: which alerts are muted now, and why. */
import type { Labels } from '../../../model/labels.ts';
import type { Route } from './file/route.ts';
import type { InhibitRule } from './file/schema.ts';
import type { TimeIntervals } from './file/time-interval.ts';
import type { CareBook } from './state/care.ts';
import type { Maintenance } from './state/maintenance.ts';
import type { Silences } from './state/silences.ts';
import { muted, mutedByTime, type Batch, type Mute } from './steps/batch.ts';
import { Inhibitor, type Inhibition } from './steps/inhibit.ts';
import { isOnTrial, type StoredAlert } from './steps/intake.ts';
import { Topology, type Dependencies } from './steps/topology.ts';

/** What people have muted. */
interface Books {
  readonly silences: Silences;
  readonly maintenance: Maintenance;
  readonly care: CareBook;
}

export class Muting {
  readonly #books: Books;
  readonly #dependencies: Dependencies | undefined;
  #inhibitor: Inhibitor;
  #topology: Topology | undefined;

  /** Without `dependencies`, only the inhibit rules mute. */
  constructor(books: Books, rules: readonly InhibitRule[], dependencies: Dependencies | undefined) {
    this.#books = books;
    this.#dependencies = dependencies;
    this.#inhibitor = new Inhibitor(rules);
    this.restart(rules);
  }

  /** Under a new configuration; the alerts follow by `update`. */
  restart(rules: readonly InhibitRule[]): void {
    this.#inhibitor = new Inhibitor(rules);
    this.#topology = this.#dependencies === undefined ? undefined : new Topology(this.#dependencies);
  }

  update(alert: StoredAlert): void {
    this.#inhibitor.update(alert);
    this.#topology?.update(alert);
  }

  remove(alert: StoredAlert): void {
    this.#inhibitor.remove(alert);
    this.#topology?.remove(alert);
  }

  /** Inhibit, then time intervals, then silences, maintenance and snoozes: the order decides only which reason is given. */
  open(batch: Batch, route: Route, intervals: TimeIntervals): Batch {
    const { nowMs } = batch;
    const inhibited = muted(batch, (alert) => {
      const by = this.#inhibitedBy(alert, nowMs);
      return by === undefined ? undefined : { kind: 'inhibition', by };
    });
    return muted(mutedByTime(inhibited, route, intervals), (alert) => this.#silenced(alert, nowMs));
  }

  #inhibitedBy(alert: StoredAlert, nowMs: number): Inhibition | undefined {
    return this.#inhibitor.inhibitedBy(alert.labels, nowMs) ?? this.#topology?.mutedBy(alert, nowMs);
  }

  /** The silence or window that mutes these labels at any time, the past included. */
  byPeople(labels: Labels, atMs: number): Mute | undefined {
    const silence = this.#books.silences.silencedBy(labels, atMs);
    if (silence !== undefined) return { kind: 'silence', ...silence };
    const window = this.#books.maintenance.muting(labels, atMs);
    return window === undefined ? undefined : { kind: 'maintenance', name: window };
  }

  #silenced({ labels, fingerprint }: StoredAlert, nowMs: number): Mute | undefined {
    const mute = this.byPeople(labels, nowMs);
    if (mute !== undefined) return mute;
    const snoozed = this.#books.care.snoozedAt(fingerprint, nowMs);
    return snoozed === undefined ? undefined : { kind: 'snooze', ...snoozed };
  }

  /** All reasons for which the alert would be muted now. */
  of(alert: StoredAlert, nowMs: number): Mute[] {
    if (isOnTrial(alert)) return [{ kind: 'trial' }];
    const by = this.#inhibitedBy(alert, nowMs);
    const silences = this.#books.silences
      .allFor(alert.labels, nowMs)
      .map((silence): Mute => ({ kind: 'silence', ...silence }));
    const other = silences.length === 0 ? this.#silenced(alert, nowMs) : undefined;
    return [
      ...(by === undefined ? [] : [{ kind: 'inhibition' as const, by }]),
      ...silences,
      ...(other === undefined ? [] : [other]),
    ];
  }
}

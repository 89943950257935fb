/** Sorts rows in memory into batches by kind, service and day. */
import type { RecordSignal } from '../../../model/record-source.ts';
import { recordDay, type RecordKind } from './disk/record-files.ts';
import { BATCH_ROWS, type RecordStoreOptions, type SignalLimits } from './options.ts';
import type { WaitingRows } from './pending.ts';

/** A batch is closed at this length of its records' bytes in write-ahead rows. */
const BATCH_LENGTH = 8 * 1024 * 1024;
const DAY_MS = 86_400_000;

/** Rows of one service that become one batch. */
export interface Drawer<S extends RecordSignal> {
  readonly key: string;
  readonly kind: RecordKind;
  readonly day: string;
  /** Of the day, since 1970. */
  readonly number: number;
  /** Whether it holds records older than the retention, or of the far future. */
  readonly stray: boolean;
  readonly service: string;
  readonly source: WaitingRows<S>;
  readonly rows: number[];
  length: number;
}

export class Desk<S extends RecordSignal> {
  readonly #signal: S;
  readonly #limits: SignalLimits;
  readonly #nowMs: number;
  readonly #open = new Map<string, Drawer<S>>();
  readonly #full: Drawer<S>[] = [];
  /** Nearly all rows go where the one before went. */
  #last: Drawer<S> | undefined;

  constructor(signal: S, { limits, clock }: RecordStoreOptions) {
    this.#signal = signal;
    this.#limits = limits[signal];
    this.#nowMs = clock.now();
  }

  /**
   * Records older than the retention, and of the far future, are kept as long as those of today: otherwise old lines would
   * be deleted on arrival and their days could be any number. They are in batches of their own.
   */
  put(kind: RecordKind, service: string, source: WaitingRows<S>, row: number): void {
    const drawer = this.#drawerOf(kind, service, source, source.msAt(row));
    drawer.rows.push(row);
    drawer.length += source.lengthAt(row);
    if (drawer.rows.length < BATCH_ROWS[this.#signal] && drawer.length < BATCH_LENGTH) return;
    this.#full.push(drawer);
    this.#open.delete(drawer.key);
    this.#last = undefined;
  }

  #drawerOf(kind: RecordKind, service: string, source: WaitingRows<S>, ms: number): Drawer<S> {
    const retentionMs = this.#limits.services[service]?.retentionMs ?? this.#limits.retentionMs;
    const stray = ms < this.#nowMs - retentionMs || ms > this.#nowMs + DAY_MS;
    const day = Math.floor((stray ? this.#nowMs : ms) / DAY_MS);
    const last = this.#last;
    if (last?.number === day && last.kind === kind && last.service === service && last.stray === stray) return last;
    const key = `${kind}\n${day}\n${stray ? 'stray' : ''}\n${service}`;
    let drawer = this.#open.get(key);
    if (drawer === undefined) {
      drawer = { key, kind, number: day, day: recordDay(day * DAY_MS), stray, service, source, rows: [], length: 0 };
      this.#open.set(key, drawer);
    }
    this.#last = drawer;
    return drawer;
  }

  drawers(): Drawer<S>[] {
    return [...this.#full, ...this.#open.values()];
  }
}

/**
 * The store of samples: the newest are decoded in memory (head.ts), older ones compressed in one SQLite file a day
 * (day-file.ts). Each commit writes a write-ahead row (journal.ts), so an acknowledged write survives kill -9.
 * docs/adr/0002-sample-store.md gives the reasons.
 *
 * All appends of one turn of the event loop are one transaction; their promises resolve after it. When the disk refuses the
 * transaction, its samples are removed from memory and each append rejects with `storage_full`.
 */
import { cardinalityOf, extentOf } from './head/cardinality.ts';
import type { HeadStats } from '../../model/head-stats.ts';
import { VitrineError } from '../../base/errors.ts';
import type { AppendResult, SampleBatch, SampleSink, SampleSource, SelectPace } from '../../model/ports.ts';
import type { Labels, Matcher } from '../../model/labels.ts';
import type { ExemplarSeries, MetricMetadata, Series } from '../../model/series.ts';
import { encodeBatch } from './codec/batch-codec.ts';
import { ByteWriter } from './codec/bytes.ts';
import path from 'node:path';
import { isDamaged, isDiskTrouble } from './disk/database.ts';
import { JOURNAL_FILE } from './disk/journal.ts';
import { digestOf } from './head/digest.ts';
import { ALL_TIMES } from './head/head.ts';
import type { TimeWindow } from './head/head.ts';
import { unsignDirectory } from './disk/directory-lock.ts';
import { SampleReader } from './sample-reader.ts';
import { backupStore } from './upkeep/backup.ts';
import { AHEAD_MS, WINDOW_MS } from './upkeep/options.ts';
import type { SampleStoreOptions, StoreParts } from './upkeep/options.ts';
import { StoreUpkeep } from './upkeep/upkeep.ts';
import { observeStore } from './store-metrics.ts';
import type { StoreStats } from './store-metrics.ts';
import { WriteGate } from './disk/write-gate.ts';

const BATCHES_BYTES_MAX = 32 * 1024 * 1024;

interface Waiting {
  readonly result: AppendResult;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

export class SampleStore implements SampleSink, SampleSource {
  readonly #parts: StoreParts;
  readonly #options: SampleStoreOptions;
  readonly #gate: WriteGate;
  readonly #reader: SampleReader;
  readonly #upkeep: StoreUpkeep;
  readonly #closing = new AbortController();
  readonly #stopObserving: () => void;
  readonly #writer = new ByteWriter(256 * 1024);
  #waiting: Waiting[] = [];
  #scheduled = false;
  #kept = new Uint32Array(1024);
  #samplesAppended = 0;

  /** Use `openSampleStore`. */
  constructor(parts: StoreParts) {
    const { options, head, journal, days } = parts;
    this.#parts = parts;
    this.#options = options;
    const { clock, logger, compileMatcher, dir, minFreeBytes } = options;
    const file = path.join(dir, JOURNAL_FILE);
    this.#gate = new WriteGate({ dir, file, minFreeBytes, clock, logger, probe: () => journal.probe() });
    this.#reader = new SampleReader({ head, days, compileMatcher, clock, logger });
    this.#upkeep = new StoreUpkeep({ ...parts, gate: this.#gate, commit: () => this.#commit() });
    this.#stopObserving = observeStore(() => this.stats());
  }

  get generation(): number {
    return this.#upkeep.generation;
  }

  resolve(labels: Labels): number {
    const { head } = this.#parts;
    const before = head.table.unsaved.length;
    const ref = head.table.resolve(labels);
    if (head.table.unsaved.length > before) head.bear(head.table.slotOf(ref), this.#options.clock.now());
    return ref;
  }

  append(batch: SampleBatch): Promise<AppendResult> {
    if (this.#closing.signal.aborted) {
      return Promise.reject(new VitrineError('draining', 'The store is closed.'));
    }
    if (!this.#gate.open) return Promise.reject(this.#gate.refusal());
    const { head, exemplars, metadata } = this.#parts;
    if (this.#kept.length < batch.count) this.#kept = new Uint32Array(batch.count * 2);
    const { kept, ...result } = head.append(batch, this.#window(), this.#kept);
    if (kept > 0 || batch.exemplars !== undefined) encodeBatch(this.#writer, batch, this.#kept, kept);
    this.#samplesAppended += kept;
    for (const { ref, exemplar } of batch.exemplars ?? []) {
      const labels = head.table.postings.labelsOf(head.table.slotOf(ref));
      if (labels !== undefined) exemplars.add(labels, exemplar);
    }
    for (const entry of batch.metadata ?? []) metadata.note(entry);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ result, resolve, reject });
      if (this.#writer.length >= BATCHES_BYTES_MAX) this.#commit();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(() => this.#commit());
      }
    });
  }

  select(matchers: readonly Matcher[], mintMs: number, maxtMs: number, pace?: SelectPace): Promise<readonly Series[]> {
    return this.#reader.select(matchers, mintMs, maxtMs, pace);
  }

  coarseUntilMs(mintMs: number, maxtMs: number): number {
    return this.#reader.coarseUntilMs(mintMs, maxtMs);
  }

  series(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
    limit: number,
  ): Promise<readonly Labels[]> {
    return this.#reader.series(selectors, mintMs, maxtMs, limit);
  }

  labelNames(selectors: readonly (readonly Matcher[])[], mintMs: number, maxtMs: number): Promise<readonly string[]> {
    return this.#reader.labelNames(selectors, mintMs, maxtMs);
  }

  labelValues(
    name: string,
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<readonly string[]> {
    return this.#reader.labelValues(name, selectors, mintMs, maxtMs);
  }

  async metadata(): Promise<readonly MetricMetadata[]> {
    return this.#parts.metadata.list();
  }

  /** Removes exemplars of deleted traces from memory and from write-ahead rows. Throws VitrineError `storage_full`. */
  dropExemplars(traceIds: ReadonlySet<string>): void {
    const { exemplars, journal } = this.#parts;
    exemplars.dropTraces(traceIds);
    this.#commit();
    try {
      journal.blankTraces(traceIds);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      this.#gate.shut(error);
      throw this.#gate.refusal(error);
    }
  }

  async exemplars(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<readonly ExemplarSeries[]> {
    return this.#parts.exemplars.find(this.#reader.accepts(selectors), mintMs, maxtMs);
  }

  /** Equal when the newest values of these metrics are the same. */
  digestOf(metrics: readonly string[]): number {
    return digestOf(this.#parts.head, metrics);
  }

  stats(): StoreStats {
    const { head, journal, days, exemplars } = this.#parts;
    return {
      series: head.table.size,
      headBytes: head.sizeBytes,
      sizeBytes: this.#upkeep.sizeBytes,
      timeToFullSeconds: this.#upkeep.timeToFullSeconds,
      writable: this.#gate.open,
      samplesAppended: this.#samplesAppended,
      seriesOverflowed: head.table.overflowed,
      walBytes: journal.walBytes,
      days: days.list().length,
      exemplarSeries: exemplars.size,
    };
  }

  /** Figures of the data in memory; each list of names has `limit` entries at most. */
  headStats(limit: number): HeadStats {
    const { head } = this.#parts;
    const { postings, size: series } = head.table;
    return { series, ...extentOf(head), ...cardinalityOf(postings.pairCounts(), limit) };
  }

  /** Moves every sample into chunks, even short ones, and waits for the end. Throws VitrineError `storage_full`. */
  async flush(): Promise<void> {
    await this.#upkeep.flushAll();
    if (!this.#gate.open) throw this.#gate.refusal();
  }

  /** Applies age, roll-ups and size now. */
  retain(): Promise<void> {
    return this.#upkeep.retain();
  }

  /** Copies the store into a directory that is absent or empty. The copy holds every write acknowledged before the call. */
  async backup(target: string): Promise<void> {
    this.#commit();
    const { journal, days } = this.#parts;
    await this.#upkeep.withoutRetention(() => backupStore(journal.db, days, target));
  }

  /** Commits waiting appends and closes the files. Nothing is flushed: the next start replays the write-ahead rows. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#commit();
    this.#closing.abort();
    this.#stopObserving();
    this.#gate.close();
    await this.#upkeep.close();
    this.#parts.days.close();
    this.#parts.journal.close();
    unsignDirectory(this.#options.dir);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #window(): TimeWindow {
    if (this.#options.testMode) return ALL_TIMES;
    const now = this.#options.clock.now();
    return { minMs: now - WINDOW_MS, maxMs: now + AHEAD_MS };
  }

  #commit(): void {
    this.#scheduled = false;
    const { head, journal, metadata } = this.#parts;
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    try {
      journal.commit({ series: head.table.unsaved, metadata: metadata.unsaved(), batches: this.#writer.view() });
      head.table.saved();
      metadata.saved();
    } catch (error) {
      head.takeBack();
      // A damaged head.db is set aside at the next start.
      const full = isDiskTrouble(error) || isDamaged(error);
      if (full) this.#gate.shut(error);
      for (const { reject } of waiting) reject(full ? this.#gate.refusal(error) : error);
      return;
    } finally {
      head.mark();
      this.#writer.truncate();
    }
    for (const { resolve, result } of waiting) resolve(result);
    this.#upkeep.relieve();
  }
}

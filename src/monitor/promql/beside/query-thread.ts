/**
 * The main thread's side of the thread for heavy queries. It starts the thread when the first heavy query arrives, answers
 * the thread's requests for samples a few milliseconds at a time, and stops the thread when it is idle or when a query does
 * not end in time.
 */
import { Worker } from 'node:worker_threads';
import type { Clock, Turns } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { QueryOptions, QueryResult, SampleSource } from '../../../model/ports.ts';
import type { Series } from '../../../model/series.ts';
import { QueryShare } from '../columns/budget.ts';
import type { EmbeddedOptions } from '../embedded.ts';
import type { Job, ToMain, ToWorker } from './messages.ts';
import { fromWire, toWire } from './messages.ts';
import { packSeries, partsOf, resultOf, transferOf, unpackSeries } from './packing.ts';

export interface QueryThreadOptions {
  readonly clock: Clock;
  readonly maxSamples: number;
  readonly timeoutMs: number;
  /** Other work that shares the slices of the thread's requests. */
  readonly turns?: Turns | undefined;
  readonly engine: Pick<
    EmbeddedOptions,
    'maxSamples' | 'timeoutMs' | 'lookbackMs' | 'defaultStepMs' | 'concurrency' | 'maxWaiting'
  >;
}

/** How long the main thread waits, after a query's time limit, for the thread to report that the limit has passed. */
const GRACE_MS = 2_000;
/** An idle thread holds some 40 MB; starting one takes a tenth of a second, of the thread itself. */
const IDLE_MS = 10_000;
/** Limit of the thread's own heap. The samples are stored outside that heap and have their own limit. */
const MAX_HEAP_MB = 512;
/** Limit of its young generation, three times the size of one half. Without a limit V8 lets it grow to 48 MB. */
const YOUNG_HEAP_MB = 12;
/** Number of label values in one message. */
const VALUES = 5_000;
const EVER_MS = 8.64e15;
const PROGRAM = new URL(`./worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

interface Running {
  readonly series: Series[];
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: unknown) => void;
}

export class QueryThread implements AsyncDisposable {
  readonly #source: SampleSource;
  readonly #options: QueryThreadOptions;
  readonly #share: QueryShare;
  readonly #running = new Map<number, Running>();
  readonly #requests = new Map<number, AbortController>();
  #worker: Worker | undefined;
  #last = 0;
  #cancelIdle = (): void => {};

  constructor(source: SampleSource, options: QueryThreadOptions) {
    this.#source = source;
    this.#options = options;
    this.#share = new QueryShare(options.clock, options.maxSamples, undefined, options.turns);
  }

  /** Queries that run or wait on the thread now. */
  get size(): number {
    return this.#running.size;
  }

  /** Throws the same errors as a querier, and `overloaded` when the thread was stopped because of another query. */
  async run(job: Job, { signal }: QueryOptions): Promise<QueryResult> {
    this.#cancelIdle();
    const worker = this.#started();
    this.#last += 1;
    const query = this.#last;
    const limitMs = Math.min(job.timeoutMs ?? this.#options.timeoutMs, this.#options.timeoutMs) + GRACE_MS;
    const onAbort = (): void => {
      this.#post({ kind: 'cancel', query });
      const canceled = new VitrineError('query_canceled', 'query was canceled in query execution');
      this.#running.get(query)?.reject(canceled);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const cancelLimit = this.#options.clock.after(limitMs, () => this.#stuck(query));
    try {
      return await new Promise<QueryResult>((resolve, reject) => {
        this.#running.set(query, { series: [], resolve, reject });
        worker.postMessage({ kind: 'run', query, job } satisfies ToWorker);
        if (signal?.aborted === true) onAbort();
      });
    } finally {
      cancelLimit();
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(query);
      if (this.#running.size === 0) this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => void this.#end());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelIdle();
    await this.#end(new VitrineError('draining', 'the monitor is shutting down'));
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(PROGRAM, {
      workerData: this.#options.engine,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
      // The thread must not get the preloads or options of this process.
      execArgv: [],
      env: {},
    });
    worker.unref();
    worker.on('message', (message: ToMain) => this.#receive(message));
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', () => this.#lost(worker, undefined));
    this.#worker = worker;
    return worker;
  }

  #post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #receive(message: ToMain): void {
    switch (message.kind) {
      case 'select':
        void this.#answer(message.request, (signal) => this.#select(message, signal));
        return;
      case 'values':
        void this.#answer(message.request, () => this.#values(message.request, message.name));
        return;
      case 'coarse':
        void this.#answer(message.request, () => this.#coarse(message));
        return;
      case 'forget':
        this.#requests.get(message.request)?.abort();
        return;
      case 'part':
        this.#running.get(message.query)?.series.push(...unpackSeries(message.part));
        return;
      case 'failed':
        this.#running.get(message.query)?.reject(fromWire(message.error));
        return;
      case 'done': {
        const running = this.#running.get(message.query);
        const { head, warnings, infos, stats, read } = message;
        running?.resolve({ value: resultOf(head, running.series), warnings, infos, stats, read });
      }
    }
  }

  async #answer(request: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    this.#requests.set(request, abort);
    try {
      await work(abort.signal);
      this.#post({ kind: 'answered', request, error: undefined });
    } catch (error) {
      this.#post({ kind: 'answered', request, error: toWire(error) });
    } finally {
      this.#requests.delete(request);
    }
  }

  async #select(
    { request, matchers, mintMs, maxtMs }: Extract<ToMain, { kind: 'select' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const budget = this.#share.begin(this.#options.timeoutMs, signal);
    try {
      const series = await this.#source.select(matchers, mintMs, maxtMs, budget);
      const isOwner = (memory: ArrayBufferLike): boolean => budget.isOwner(memory);
      for (const part of partsOf(series, isOwner)) {
        if (budget.due) await budget.pause();
        const packed = packSeries(part, isOwner);
        this.#post({ kind: 'series', request, part: packed }, transferOf(packed));
      }
    } finally {
      this.#share.end(budget);
    }
  }

  async #values(request: number, name: string): Promise<void> {
    const values = await this.#source.labelValues(name, [], -EVER_MS, EVER_MS);
    for (let at = 0; at < values.length; at += VALUES) {
      this.#post({ kind: 'values', request, values: values.slice(at, at + VALUES) });
    }
  }

  async #coarse({ request, mintMs, maxtMs }: Extract<ToMain, { kind: 'coarse' }>): Promise<void> {
    const untilMs = (await this.#source.coarseUntilMs?.(mintMs, maxtMs)) ?? -Infinity;
    this.#post({ kind: 'coarse', request, untilMs });
  }

  /**
   * The thread is stuck in one piece of work. Stops the thread and all queries on it; the next query starts a new thread.
   */
  #stuck(query: number): void {
    this.#running.get(query)?.reject(new VitrineError('query_timeout', 'query timed out in query execution'));
    void this.#end();
  }

  async #end(reason = ended()): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    for (const abort of this.#requests.values()) abort.abort();
    for (const { reject } of this.#running.values()) reject(reason);
    await worker?.terminate();
  }

  /** The thread ended by itself: its heap was full, or the thread failed. */
  #lost(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    const outOfMemory = error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    void this.#end(outOfMemory || error === undefined ? ended() : (error as VitrineError));
  }
}

const ended = (): VitrineError =>
  new VitrineError('overloaded', 'the queries that ran together needed too much memory or time', {
    hint: 'Ask again, for less at a time.',
  });

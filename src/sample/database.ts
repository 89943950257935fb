/**
 * SQLite for the sample service: WAL so that two instances share one file, migrations in a table, and a client span and
 * one measurement per statement by the semantic conventions. Statements run synchronously, so a transaction is never
 * interleaved with another request of the same process. Waiting for the write of another process is asynchronous: a process
 * that hangs within a write does not block reads here.
 */
import path from 'node:path';
import type { SQLInputValue, StatementSync } from 'node:sqlite';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { Attributes, Histogram, Tracer } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode, metrics, trace } from '@opentelemetry/api';
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { measuredPool, type PoolMeasures } from '../stack/server/database-pool.ts';
import { histogramOf } from '../telemetry/metrics/meters.ts';
import { FINE_DURATION_BOUNDS, METRICS } from '../telemetry/names.ts';

export type Row = Record<string, unknown>;

export interface DatabaseOptions {
  readonly file: string;
  /** Applied in order, once each; the number of a migration is its place in the list, from 1. */
  readonly migrations: readonly string[];
  /** How long a transaction waits for another process' write. */
  readonly busyMs: number;
  readonly clock: Clock;
  /** Awaited before each query or transaction: drills add delays here. */
  readonly before: () => Promise<void>;
}

/** The operations within a transaction. */
export interface Statements {
  readonly rows: (sql: string, ...values: SQLInputValue[]) => Row[];
  readonly run: (sql: string, ...values: SQLInputValue[]) => void;
}

/** SQLite's own waiting blocks the process, so it is limited to the time of one short write. */
const BLOCKING_MS = 2;
const LOOK_AGAIN_MS = 5;

/** SQLITE_BUSY and its extended codes. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && (Number(Reflect.get(error, 'errcode')) & 0xff) === 5;

export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #options: DatabaseOptions;
  readonly #prepared = new Map<string, StatementSync>();
  readonly #labels = new Map<string, Attributes>();
  readonly #duration: Histogram;
  readonly #tracer: Tracer;
  readonly #namespace: string;
  readonly #pool: PoolMeasures;
  /** SQLite has one writer: transactions wait for it as for the only connection of a pool. */
  #waiting = 0;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#namespace = path.basename(options.file);
    this.#db = new DatabaseSync(options.file, { timeout: options.busyMs });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;');
    this.#duration = histogramOf(metrics.getMeter('vitrine.sample'), METRICS.dbDuration, FINE_DURATION_BOUNDS);
    this.#tracer = trace.getTracer('vitrine.sample');
    this.#migrate();
    this.#db.exec(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
    this.#pool = measuredPool(this.#namespace, () => {
      const used = this.#db.isTransaction ? 1 : 0;
      return { used, idle: 1 - used, max: 1, pending: this.#waiting };
    });
  }

  async query(sql: string, ...values: SQLInputValue[]): Promise<Row[]> {
    const end = this.#begin(sql);
    try {
      await this.#options.before();
      const rows = this.#rows(sql, values);
      end();
      return rows;
    } catch (error) {
      throw end(error) ?? error;
    }
  }

  /**
   * Runs `work` as one transaction, the only writer among all processes. Rethrows errors of `work` after a rollback;
   * VitrineError `overloaded` when another process held the write for longer than `busyMs`.
   */
  async transaction<T>(work: (statements: Statements) => T): Promise<T> {
    const { clock, busyMs } = this.#options;
    const began = this.#begin('BEGIN IMMEDIATE');
    try {
      await this.#options.before();
      const waitMs = clock.monotonic();
      this.#waiting += 1;
      try {
        // Not the clock's timers: they do not keep a starting service alive.
        while (!this.#beginsWrite(waitMs + busyMs)) await pause(LOOK_AGAIN_MS);
      } finally {
        this.#waiting -= 1;
      }
      // No await from here to the end: no other request can run in between.
      this.#pool.waited(clock.monotonic() - waitMs);
      began();
    } catch (error) {
      if (isBusy(error)) this.#pool.timedOut();
      throw began(error) ?? error;
    }
    const startMs = clock.monotonic();
    try {
      const result = work({
        rows: (sql, ...values) => this.#measuredNow(sql, () => this.#rows(sql, values)),
        run: (sql, ...values) => this.#measuredNow(sql, () => void this.#statement(sql).run(...values)),
      });
      this.#measuredNow('COMMIT', () => this.#db.exec('COMMIT'));
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#pool.used(clock.monotonic() - startMs);
    }
  }

  [Symbol.dispose](): void {
    this.#pool[Symbol.dispose]();
    if (this.#db.isOpen) this.#db.close();
  }

  /** Returns false while another process writes and `endMs` is not reached. */
  #beginsWrite(endMs: number): boolean {
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      return true;
    } catch (error) {
      if (!isBusy(error) || this.#options.clock.monotonic() >= endMs) throw error;
      return false;
    }
  }

  #migrate(): void {
    this.#db.exec(
      'CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
    );
    // Immediate: two instances that start together apply each migration once.
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const applied = Number(
        this.#rows('SELECT coalesce(max(version), 0) AS version FROM schema_migrations', [])[0].version,
      );
      for (const [index, sql] of this.#options.migrations.entries()) {
        if (index < applied) continue;
        this.#db.exec(sql);
        this.#db.prepare('INSERT INTO schema_migrations VALUES (?, ?)').run(index + 1, this.#options.clock.now());
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #rows(sql: string, values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }

  #measuredNow<T>(sql: string, work: () => T): T {
    const end = this.#begin(sql);
    try {
      const result = work();
      end();
      return result;
    } catch (error) {
      throw end(error) ?? error;
    }
  }

  /**
   * Starts the span and the measurement; returns a function that ends both and turns a busy database into a VitrineError.
   */
  #begin(sql: string): (error?: unknown) => VitrineError | undefined {
    const { clock } = this.#options;
    const labels = this.#labelsOf(sql);
    const startMs = clock.monotonic();
    const operation = String(labels['db.operation.name']);
    const attributes = { ...labels, 'db.query.text': sql };
    const span = this.#tracer.startSpan(`${operation} ${this.#namespace}`, { kind: SpanKind.CLIENT, attributes });
    return (error) => {
      const seconds = (clock.monotonic() - startMs) / 1000;
      if (error === undefined) this.#duration.record(seconds, labels);
      else {
        const type = isBusy(error) ? 'busy' : 'error';
        this.#duration.record(seconds, { ...labels, 'error.type': type });
        span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type);
      }
      span.end();
      return isBusy(error)
        ? new VitrineError('overloaded', 'The ledger is busy.', { cause: error, headers: { 'Retry-After': '1' } })
        : undefined;
    };
  }

  #labelsOf(sql: string): Attributes {
    let labels = this.#labels.get(sql);
    if (labels === undefined) {
      const operation = sql.trimStart().split(/\s/, 1)[0].toUpperCase();
      labels = { 'db.system.name': 'sqlite', 'db.operation.name': operation, 'db.namespace': this.#namespace };
      this.#labels.set(sql, labels);
    }
    return labels;
  }
}

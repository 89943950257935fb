/**
 * `checks.db`: single checks for some weeks, runs for years, hourly figures for years, evidence of failures longer than of
 * successes. A batch of results, the runs that they end and the state of the open ones are one transaction, so a killed monitor
 * leaves no half of it. WAL with normal sync: a kill loses nothing, a power failure at most the last moments.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import path from 'node:path';
import type { Logger } from '../../../base/logger.ts';
import { inTransaction, isWrongContent, messageOf, openDatabase, setAside } from '../../store/disk/database.ts';
import type { PhaseTimes } from '../check.ts';
import type { Span } from './availability.ts';
import {
  CHECK_LIMITS,
  FAILURES_KEPT,
  FAILURES_WHOLE,
  HOUR_MS,
  MAX_ROWS,
  SCHEMA,
  SUCCESS_EVERY_MS,
  SUCCESSES_KEPT,
  WRITES,
  type CheckFileLimits,
  type HourFigures,
  type NewCheck,
  type StoredCheck,
  type StoredEvidence,
} from './check-tables.ts';
import { NO_CHECKS, withCheck, type Run, type RunState, type UpState } from './runs.ts';

interface Known {
  readonly number: number;
  runs: RunState;
  lastSuccessEvidenceMs: number;
}

const FILE = 'checks.db';

/** JSON of a row, or nothing of it when it was damaged on the disk. */
function jsonOf(text: unknown): object {
  try {
    return Object(JSON.parse(String(text))) as object;
  } catch {
    return {};
  }
}

/** A file that cannot be read is set aside. Throws VitrineError `data_dir_unusable` for one of a newer version. */
export function openCheckFile(dir: string, limits: CheckFileLimits, logger: Logger): CheckFile {
  try {
    return new CheckFile(dir, limits);
  } catch (error) {
    if (!isWrongContent(error)) throw error;
    const aside = setAside(path.join(dir, FILE));
    logger.error(
      { file: aside, cause: messageOf(error) },
      `${FILE} cannot be read and was set aside: the history of checks begins anew`,
    );
    return new CheckFile(dir, limits);
  }
}

export class CheckFile implements Disposable {
  readonly #db: DatabaseSync;
  readonly #limits: CheckFileLimits;
  readonly #known = new Map<string, Known>();
  readonly #writes: { readonly [K in keyof typeof WRITES]: StatementSync };

  constructor(dir: string, limits: CheckFileLimits = CHECK_LIMITS) {
    this.#limits = limits;
    this.#db = openDatabase(path.join(dir, FILE), {
      schema: SCHEMA,
      pageBytes: 4096,
      cacheKib: 2048,
      durability: 'normal',
      exclusive: true,
    });
    try {
      this.#writes = Object.fromEntries(
        Object.entries(WRITES).map(([name, text]) => [name, this.#db.prepare(text)]),
      ) as { readonly [K in keyof typeof WRITES]: StatementSync };
      for (const row of this.#db.prepare('SELECT id, number, runs FROM targets').all()) {
        this.#known.set(String(row['id']), {
          number: Number(row['number']),
          // JSON has no undefined: absent fields take their value from here.
          runs: { ...NO_CHECKS, ...jsonOf(row['runs']) },
          lastSuccessEvidenceMs: 0,
        });
      }
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** Rejects nothing: throws SQLite's error, and then none of the batch is kept. */
  append(checks: readonly NewCheck[]): void {
    const before = new Map(checks.map(({ target }) => [target, this.#of(target).runs]));
    try {
      inTransaction(this.#db, () => {
        for (const check of checks) this.#add(check);
        for (const id of before.keys()) this.#writes.state.run(JSON.stringify(this.#of(id).runs), id);
      });
    } catch (error) {
      for (const [id, runs] of before) this.#of(id).runs = runs;
      throw error;
    }
  }

  #add({ target, result, rules }: NewCheck): void {
    const known = this.#of(target);
    const { timeMs, success, reason, phases, durationSeconds, evidence } = result;
    const t = Math.round(timeMs);
    const us = Math.round(durationSeconds * 1e6);
    const failed = success ? 0 : 1;
    const { changes } = this.#writes.check.run(
      known.number,
      t,
      1 - failed,
      us,
      evidence.status ?? null,
      reason === '' ? null : reason,
      JSON.stringify(phases),
    );
    if (changes === 0) return;
    this.#writes.hour.run(known.number, Math.floor(t / HOUR_MS), failed, us, us);
    const { next, ended } = withCheck(known.runs, t, success, rules);
    known.runs = next;
    for (const { fromMs, toMs, state } of ended) this.#writes.run.run(known.number, fromMs, toMs, state);
    this.#keepEvidence(known, t, result);
  }

  #keepEvidence(known: Known, t: number, result: NewCheck['result']): void {
    const { success, reason, traceId, durationSeconds, phases, evidence } = result;
    if (success && t < known.lastSuccessEvidenceMs + SUCCESS_EVERY_MS) return;
    if (success) known.lastSuccessEvidenceMs = t;
    const body = { ...evidence, reason, traceId, durationMs: durationSeconds * 1_000, phases };
    const ok = success ? 1 : 0;
    this.#writes.evidence.run(known.number, t, ok, JSON.stringify(body));
    if (!success) this.#writes.evidenceThin.run(known.number, known.number, FAILURES_WHOLE);
    const kept = success ? SUCCESSES_KEPT : FAILURES_KEPT;
    this.#writes.evidenceEnd.run(known.number, ok, known.number, ok, kept);
  }

  #of(id: string): Known {
    let known = this.#known.get(id);
    if (known === undefined) {
      const row = this.#db.prepare('SELECT coalesce(max(number), 0) + 1 AS next FROM targets').get();
      known = { number: Number(row?.['next']), runs: NO_CHECKS, lastSuccessEvidenceMs: 0 };
      this.#db
        .prepare('INSERT INTO targets (id, number, runs) VALUES (?, ?, ?)')
        .run(id, known.number, JSON.stringify(known.runs));
      this.#known.set(id, known);
    }
    return known;
  }

  runState(id: string): RunState {
    return this.#known.get(id)?.runs ?? NO_CHECKS;
  }

  /** Runs that have ended and touch the range, oldest first. */
  runs(id: string, { fromMs, toMs }: Span): Run[] {
    const known = this.#known.get(id);
    if (known === undefined) return [];
    return this.#db
      .prepare('SELECT from_ms, to_ms, state FROM runs WHERE target = ? AND to_ms > ? AND from_ms < ? ORDER BY from_ms')
      .all(known.number, fromMs, toMs)
      .map((row) => ({
        fromMs: Number(row['from_ms']),
        toMs: Number(row['to_ms']),
        state: String(row['state']) as UpState,
      }));
  }

  /** Single checks of the range, oldest first, at most `limit` of the newest. */
  checks(id: string, { fromMs, toMs }: Span, limit = MAX_ROWS): StoredCheck[] {
    const known = this.#known.get(id);
    if (known === undefined) return [];
    const rows = this.#db
      .prepare('SELECT * FROM checks WHERE target = ? AND t >= ? AND t < ? ORDER BY t DESC LIMIT ?')
      .all(known.number, Math.round(fromMs), Math.round(toMs), Math.min(limit, MAX_ROWS));
    return rows.reverse().map((row) => ({
      timeMs: Number(row['t']),
      success: row['ok'] === 1,
      durationMs: Number(row['us']) / 1_000,
      status: row['status'] === null ? null : Number(row['status']),
      reason: row['reason'] === null ? '' : String(row['reason']),
      phases: jsonOf(row['phases']) as PhaseTimes,
    }));
  }

  hours(id: string, { fromMs, toMs }: Span): HourFigures[] {
    const known = this.#known.get(id);
    if (known === undefined) return [];
    return this.#db
      .prepare('SELECT * FROM hours WHERE target = ? AND hour >= ? AND hour < ? ORDER BY hour LIMIT ?')
      .all(known.number, Math.floor(fromMs / HOUR_MS), Math.ceil(toMs / HOUR_MS), MAX_ROWS)
      .map((row) => ({
        hourMs: Number(row['hour']) * HOUR_MS,
        checks: Number(row['checks']),
        failed: Number(row['failed']),
        sumMs: Number(row['us']) / 1_000,
        maxMs: Number(row['max_us']) / 1_000,
      }));
  }

  /** Newest first. */
  evidence(id: string, limit: number): StoredEvidence[] {
    const known = this.#known.get(id);
    if (known === undefined) return [];
    return this.#db
      .prepare('SELECT t, ok, body FROM evidence WHERE target = ? ORDER BY t DESC LIMIT ?')
      .all(known.number, limit)
      .map((row) => ({
        ...(jsonOf(row['body']) as Omit<StoredEvidence, 'timeMs' | 'success'>),
        timeMs: Number(row['t']),
        success: row['ok'] === 1,
      }))
      .filter((row) => 'reason' in row);
  }

  /** Notes that the target is in maintenance during this span; the end of a span that is already noted may move. */
  setMaintenance(id: string, { fromMs, toMs }: Span): void {
    this.#db
      .prepare(
        'INSERT INTO maintenance (target, from_ms, to_ms) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET to_ms = excluded.to_ms',
      )
      .run(this.#of(id).number, Math.round(fromMs), Math.round(toMs));
  }

  maintenance(id: string, { fromMs, toMs }: Span): Span[] {
    const known = this.#known.get(id);
    if (known === undefined) return [];
    return this.#db
      .prepare('SELECT from_ms, to_ms FROM maintenance WHERE target = ? AND to_ms > ? AND from_ms < ?')
      .all(known.number, fromMs, toMs)
      .map((row) => ({ fromMs: Number(row['from_ms']), toMs: Number(row['to_ms']) }));
  }

  /** The last time at which this monitor, or the one before it, was alive. */
  get aliveMs(): number | undefined {
    const row = this.#db.prepare('SELECT ms FROM alive').get();
    return row === undefined ? undefined : Number(row['ms']);
  }

  setAlive(nowMs: number): void {
    this.#writes.alive.run(Math.round(nowMs));
  }

  /** Removes what is older than the limits. Returns the number of single checks that were removed before their time. */
  prune(nowMs: number): number {
    const { checksMs, runsMs, maxChecks } = this.#limits;
    const remove = (text: string, at: number): void => void this.#db.prepare(text).run(Math.round(at));
    remove('DELETE FROM checks WHERE t < ?', nowMs - checksMs);
    remove('DELETE FROM runs WHERE to_ms < ?', nowMs - runsMs);
    remove('DELETE FROM maintenance WHERE to_ms < ?', nowMs - runsMs);
    remove('DELETE FROM hours WHERE hour < ?', (nowMs - runsMs) / HOUR_MS);
    remove('DELETE FROM evidence WHERE t < ?', nowMs - runsMs);
    const count = Number(this.#db.prepare('SELECT count(*) AS n FROM checks').get()?.['n']);
    if (count <= maxChecks) return 0;
    const oldest = this.#db.prepare('SELECT t FROM checks ORDER BY t LIMIT 1 OFFSET ?').get(count - maxChecks - 1);
    const removed = this.#db.prepare('DELETE FROM checks WHERE t <= ?').run(Number(oldest?.['t']));
    return Number(removed.changes);
  }

  /** Forgets everything of a target. */
  forget(id: string): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    inTransaction(this.#db, () => {
      for (const table of ['checks', 'runs', 'hours', 'maintenance', 'evidence']) {
        this.#db.prepare(`DELETE FROM ${table} WHERE target = ?`).run(known.number);
      }
      this.#db.prepare('DELETE FROM targets WHERE id = ?').run(id);
    });
    this.#known.delete(id);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

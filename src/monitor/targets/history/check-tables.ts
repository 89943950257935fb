/** The tables of `checks.db`, their writes, what is read from them, and their limits. */
import type { CheckResult, Evidence, PhaseTimes } from '../check.ts';
import type { RunRules } from './runs.ts';

export interface StoredCheck {
  readonly timeMs: number;
  readonly success: boolean;
  readonly durationMs: number;
  readonly status: number | null;
  readonly reason: string;
  readonly phases: PhaseTimes;
}

export interface StoredEvidence extends Evidence {
  readonly timeMs: number;
  readonly success: boolean;
  readonly reason: string;
  readonly traceId: string;
  readonly durationMs: number;
  readonly phases: PhaseTimes;
}

export interface HourFigures {
  readonly hourMs: number;
  readonly checks: number;
  readonly failed: number;
  readonly sumMs: number;
  readonly maxMs: number;
}

export interface CheckFileLimits {
  readonly checksMs: number;
  readonly runsMs: number;
  /** Rows of single checks over all targets. */
  readonly maxChecks: number;
}

export const CHECK_LIMITS: CheckFileLimits = {
  checksMs: 30 * 86_400_000,
  runsMs: 10 * 366 * 86_400_000,
  maxChecks: 20_000_000,
};
/** All of the last failures, and of those before them the first of each hour: a long outage does not drive out its own beginning. */
export const FAILURES_WHOLE = 100;
export const FAILURES_KEPT = 300;
export const SUCCESSES_KEPT = 3;
/** A success is evidence once an hour; a failure always is. */
export const SUCCESS_EVERY_MS = 3_600_000;
export const HOUR_MS = 3_600_000;
export const MAX_ROWS = 50_000;

export const SCHEMA = `
CREATE TABLE targets (id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, runs TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE checks (target INTEGER NOT NULL, t INTEGER NOT NULL, ok INTEGER NOT NULL, us INTEGER NOT NULL, status INTEGER,
  reason TEXT, phases TEXT NOT NULL, PRIMARY KEY (target, t)) STRICT, WITHOUT ROWID;
CREATE TABLE runs (target INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, state TEXT NOT NULL,
  PRIMARY KEY (target, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE hours (target INTEGER NOT NULL, hour INTEGER NOT NULL, checks INTEGER NOT NULL, failed INTEGER NOT NULL,
  us INTEGER NOT NULL, max_us INTEGER NOT NULL, PRIMARY KEY (target, hour)) STRICT, WITHOUT ROWID;
CREATE TABLE maintenance (target INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  PRIMARY KEY (target, from_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE evidence (target INTEGER NOT NULL, t INTEGER NOT NULL, ok INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (target, t)) STRICT, WITHOUT ROWID;
CREATE TABLE alive (one INTEGER PRIMARY KEY CHECK (one = 1), ms INTEGER NOT NULL) STRICT;
`;

export const WRITES = {
  check: 'INSERT OR IGNORE INTO checks (target, t, ok, us, status, reason, phases) VALUES (?, ?, ?, ?, ?, ?, ?)',
  run: 'INSERT OR REPLACE INTO runs (target, from_ms, to_ms, state) VALUES (?, ?, ?, ?)',
  state: 'UPDATE targets SET runs = ? WHERE id = ?',
  hour: `INSERT INTO hours (target, hour, checks, failed, us, max_us) VALUES (?, ?, 1, ?, ?, ?)
    ON CONFLICT DO UPDATE SET checks = checks + 1, failed = failed + excluded.failed, us = us + excluded.us,
    max_us = max(max_us, excluded.max_us)`,
  evidence: 'INSERT OR REPLACE INTO evidence (target, t, ok, body) VALUES (?, ?, ?, ?)',
  evidenceEnd: `DELETE FROM evidence WHERE target = ? AND ok = ? AND t <=
    (SELECT t FROM evidence WHERE target = ? AND ok = ? ORDER BY t DESC LIMIT 1 OFFSET ?)`,
  // The failure that has just become too old to be kept for itself.
  evidenceThin: `DELETE FROM evidence WHERE target = ? AND t =
    (SELECT t FROM evidence WHERE target = ? AND ok = 0 ORDER BY t DESC LIMIT 1 OFFSET ?)
    AND EXISTS (SELECT 1 FROM evidence AS sooner WHERE sooner.target = evidence.target AND sooner.ok = 0
    AND sooner.t < evidence.t AND sooner.t >= evidence.t / 3600000 * 3600000)`,
  alive: 'INSERT INTO alive (one, ms) VALUES (1, ?) ON CONFLICT DO UPDATE SET ms = excluded.ms',
} as const;

export interface NewCheck {
  readonly target: string;
  readonly result: Pick<
    CheckResult,
    'timeMs' | 'success' | 'reason' | 'phases' | 'durationSeconds' | 'traceId' | 'evidence'
  >;
  readonly rules: RunRules;
}

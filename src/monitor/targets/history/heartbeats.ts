/**
 * Heartbeats: a job reports that it ran, and silence is the failure. A beat is acknowledged when it is on the disk. While the
 * monitor itself is away nobody can beat, so deadlines are extended by that time: after a kill at the deadline nothing fires
 * wrongly.
 */
import type { CheckResult } from '../check.ts';
import type { Beat, TargetTables } from './target-tables.ts';

export interface HeartbeatRules {
  readonly periodMs: number;
  readonly graceMs: number;
}

export class Heartbeats {
  readonly #tables: TargetTables;
  readonly #beats: Map<string, Beat>;
  /** Targets that have never beaten, by when they were first seen: they have one period from then. */
  readonly #since = new Map<string, number>();

  constructor(tables: TargetTables) {
    this.#tables = tables;
    this.#beats = tables.beats();
  }

  /** Call it once at the start. `aliveMs`: when the monitor before this one was last known to be alive; a kept beat says so too. */
  async resume(aliveMs: number | undefined, nowMs: number): Promise<void> {
    const changes: Promise<void>[] = [];
    for (const [target, beat] of this.#beats) {
      const awayMs = nowMs - Math.max(aliveMs ?? -Infinity, beat.beatMs);
      if (awayMs <= 0) continue;
      this.#beats.set(target, { ...beat, extensionMs: beat.extensionMs + awayMs });
      changes.push(this.#tables.extend(target, awayMs));
    }
    await Promise.all(changes);
  }

  async beat(target: string, nowMs: number, ok: boolean, message: string): Promise<void> {
    await this.#tables.beat(target, { beatMs: nowMs, ok, message });
    this.#beats.set(target, { beatMs: nowMs, ok, message, extensionMs: 0 });
  }

  last(target: string): Beat | undefined {
    return this.#beats.get(target);
  }

  /** When silence becomes a failure. */
  deadlineMs(target: string, { periodMs, graceMs }: HeartbeatRules, nowMs: number): number {
    const beat = this.#beats.get(target);
    if (beat !== undefined) return beat.beatMs + periodMs + graceMs + beat.extensionMs;
    if (!this.#since.has(target)) this.#since.set(target, nowMs);
    return (this.#since.get(target) ?? nowMs) + periodMs + graceMs;
  }

  /** The present state as the result of a check. */
  check(target: string, rules: HeartbeatRules, nowMs: number): CheckResult {
    const beat = this.#beats.get(target);
    const lateMs = nowMs - this.deadlineMs(target, rules, nowMs);
    const failed = beat !== undefined && !beat.ok;
    const reason = failed
      ? `The job reported a failure${beat.message === '' ? '' : `: ${beat.message}`}.`
      : lateMs > 0
        ? `No beat came in time; it is ${Math.round(lateMs / 1_000)} s late.`
        : '';
    return {
      success: reason === '',
      reason,
      phases: {},
      series:
        beat === undefined
          ? []
          : [{ name: 'probe_heartbeat_last_timestamp_seconds', value: Math.floor(beat.beatMs / 1_000) }],
      evidence: { sent: 'waited for a beat', address: '', excerpt: beat?.message },
      timeMs: nowMs,
      durationSeconds: 0,
      traceId: '',
    };
  }
}

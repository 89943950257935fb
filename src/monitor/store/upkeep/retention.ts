/**
 * Keeps the directory within its age and size: deletes days beyond the retention, rolls up days beyond the raw age, and
 * deletes the oldest day when the size is over its limit (its oldest chunks when there is only one day). Works in slices.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../../../base/logger.ts';
import { formatBytes } from '../../../base/units.ts';
import { isDamaged } from '../disk/database.ts';
import { DAY_MS } from '../disk/day-file.ts';
import { rollUpDay } from './roll-up.ts';
import { databaseBytes } from '../disk/day-files.ts';
import type { RollUpParts } from './roll-up.ts';

export interface RetentionLimits {
  readonly retentionMs: number;
  readonly rawRetentionMs: number;
  readonly maxSizeBytes: number;
}

export interface RetentionParts extends RollUpParts {
  readonly logger: Logger;
  readonly limits: RetentionLimits;
  /** Bytes of the directory outside day files. */
  readonly otherBytes: () => number;
  /** Days known to be rolled up, so that they need not be opened to check. Kept between passes. */
  readonly rolledUp: Set<string>;
}

/** Deleting starts at this share of the limit, so that the size stays below the limit while it runs. */
const FULL_SHARE = 0.95;
const SLICE_CHUNKS = 200;

/** One pass. Resolves with its counts; throws the disk's error. */
export async function applyRetention(
  parts: RetentionParts,
  nowMs: number,
): Promise<{ removed: number; rolledUp: number; trimmed: number }> {
  const { days, limits, signal } = parts;
  const done = { removed: 0, rolledUp: 0, trimmed: 0 };
  for (const known of days.list()) {
    if (known.startMs + DAY_MS > nowMs - limits.retentionMs) break;
    await days.remove(known);
    parts.rolledUp.delete(known.day);
    done.removed += 1;
    parts.logger.info({ day: known.day }, `day ${known.day} is past the retention and was deleted`);
  }
  for (const known of days.list()) {
    if (known.startMs + DAY_MS > nowMs - limits.rawRetentionMs || signal.aborted) break;
    if (parts.rolledUp.has(known.day)) continue;
    try {
      const before = days.open(known.day)?.rolledUp !== false;
      if (before || (await rollUpDay(known, parts))) parts.rolledUp.add(known.day);
      if (!before) done.rolledUp += 1;
    } catch (error) {
      if (!isDamaged(error)) throw error;
      days.setAside(known, error);
    }
  }
  // Closing a past day merges its side files into it.
  for (const known of days.list()) if (known.startMs + 2 * DAY_MS < nowMs) days.closeDay(known.day);
  return { ...done, ...(await fitSize(parts, done.removed)) };
}

async function fitSize(parts: RetentionParts, before: number): Promise<{ removed: number; trimmed: number }> {
  const { days, limits, logger, signal } = parts;
  const limit = limits.maxSizeBytes * FULL_SHARE;
  let removed = before;
  let trimmed = 0;
  while (days.sizeBytes + parts.otherBytes() > limit && days.list().length > 1 && !signal.aborted) {
    const [oldest] = days.list();
    await days.remove(oldest);
    removed += 1;
    logger.warn(
      { day: oldest.day },
      `day ${oldest.day} was deleted: the store would be larger than ${formatBytes(limits.maxSizeBytes)}`,
    );
  }
  // When head.db alone is over the limit, deleting samples would not help.
  if (parts.otherBytes() > limit) return { removed, trimmed };
  const [last] = days.list();
  if (last === undefined || days.list().length > 1) return { removed, trimmed };
  for (let left = 1; left > 0 && !signal.aborted;) {
    if (databaseBytes(last.path) + parts.otherBytes() <= limit) break;
    left = days.open(last.day)?.deleteOldest(SLICE_CHUNKS) ?? 0;
    trimmed += left;
    await nextTurn();
  }
  return { removed, trimmed };
}

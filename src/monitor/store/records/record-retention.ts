/**
 * Keeps records within their age and size: by signal, by service, and all together. A file whose batches are all past their
 * age is deleted; otherwise single batches are, and the file gives their space back. When space is short, ordinary traces
 * go first, and what was recorded around alerts goes last. A retention by age is also a promise to delete: a recording holds
 * ordinary traces for as long as other traces are kept, and nothing longer than that.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { formatBytes } from '../../../base/units.ts';
import type { RecordSignal } from '../../../model/record-source.ts';
import { databaseBytes } from '../disk/day-files.ts';
import type { BatchEntry } from './disk/record-file.ts';
import {
  kindsOf,
  RECORD_KINDS,
  signalOf,
  type KnownFile,
  type RecordFiles,
  type RecordKind,
} from './disk/record-files.ts';
import { HeldBatches } from './held-batches.ts';
import type { RecordStoreOptions } from './options.ts';

/** Deleting starts at this share of a limit, so that the size stays below it while it runs. */
const FULL_SHARE = 0.95;
const SLICE_BATCHES = 64;
/** Recordings take this share of all records at most. */
const RECORDINGS_SHARE = 0.25;

export interface RetentionParts {
  readonly files: RecordFiles;
  readonly options: RecordStoreOptions;
  readonly closing: AbortSignal;
}

/** Records that came after their day are as old as the day of their file. */
const ageMs = (entry: BatchEntry, known: KnownFile): number => Math.max(entry.lastMs, known.startMs);

export async function applyRecordRetention(parts: RetentionParts, nowMs: number): Promise<void> {
  const { files, options, closing } = parts;
  const heldMax = Math.min(options.recordingsBytes, options.maxSizeBytes * RECORDINGS_SHARE);
  const held = new HeldBatches(options.recordings, heldMax, nowMs);
  for (const known of files.list()) {
    if (closing.aborted) return;
    const gone = files.entries(known).filter((entry) => isPast(entry, known, { options, held, nowMs }));
    if (gone.length > 0) await removeBatches(parts, known, gone);
    await nextTurn();
  }
  for (const signal of ['logs', 'traces', 'requests'] as const) {
    const { maxSizeBytes, services } = options.limits[signal];
    const kinds = kindsOf(signal);
    for (const [service, own] of Object.entries(services)) {
      if (own.maxSizeBytes !== undefined) await fitService(parts, kinds, service, own.maxSizeBytes);
    }
    await fit(parts, held, kinds, maxSizeBytes, signal);
  }
  await fit(parts, held, RECORD_KINDS, options.maxSizeBytes, 'all records');
  files.measure();
}

interface Age {
  readonly options: RecordStoreOptions;
  readonly held: HeldBatches;
  readonly nowMs: number;
}

function isPast(entry: BatchEntry, known: KnownFile, { options: { limits, ordinaryMs }, held, nowMs }: Age): boolean {
  const { retentionMs, services } = limits[signalOf(known.kind)];
  const wanted = services[entry.service]?.retentionMs ?? retentionMs;
  const timeMs = ageMs(entry, known);
  if (timeMs < nowMs - wanted) return true;
  return known.kind === 'traces-ordinary' && timeMs < nowMs - ordinaryMs && !held.holds(entry);
}

async function removeBatches(
  { files, closing }: RetentionParts,
  known: KnownFile,
  entries: readonly BatchEntry[],
): Promise<void> {
  if (entries.length === files.entries(known).length) {
    await files.remove(known);
    return;
  }
  for (let at = 0; at < entries.length && !closing.aborted; at += SLICE_BATCHES) {
    await files.removeBatches(
      known,
      entries.slice(at, at + SLICE_BATCHES).map(({ id }) => id),
    );
    await nextTurn();
  }
}

async function fitService(
  parts: RetentionParts,
  kinds: readonly RecordKind[],
  service: string,
  maxSizeBytes: number,
): Promise<void> {
  const { files } = parts;
  const all = files.list(kinds).flatMap((known) => files.entries(known).map((entry) => ({ known, entry })));
  const own = all.filter(({ entry }) => entry.service === service);
  own.sort((a, b) => ageMs(a.entry, a.known) - ageMs(b.entry, b.known));
  let excess = own.reduce((sum, { entry }) => sum + entry.sizeBytes, 0) - maxSizeBytes;
  const gone = new Map<KnownFile, BatchEntry[]>();
  for (const { known, entry } of own) {
    if (excess <= 0) break;
    excess -= entry.sizeBytes;
    gone.set(known, [...(gone.get(known) ?? []), entry]);
  }
  for (const [known, entries] of gone) await removeBatches(parts, known, entries);
}

/** Deletes the oldest batches, ordinary traces first, until the files are within the limit. */
async function fit(
  parts: RetentionParts,
  held: HeldBatches,
  kinds: readonly RecordKind[],
  maxSizeBytes: number,
  what: RecordSignal | 'all records',
): Promise<void> {
  const { files, options, closing } = parts;
  const limit = maxSizeBytes * FULL_SHARE;
  for (;;) {
    const list = files.list(kinds);
    const excess = list.reduce((sum, { path }) => sum + databaseBytes(path), 0) - limit;
    if (excess <= 0 || list.length === 0 || closing.aborted) return;
    const { victim, entries, gone } = victimOf(files, list, held, excess);
    options.logger.warn(
      { file: victim.path, batches: gone.length },
      `${gone.length} batches of day ${victim.day} were deleted: ${what} would take more than ${formatBytes(maxSizeBytes)}`,
    );
    // An empty or damaged file has no batches to delete.
    if (gone.length === 0 || gone.length === entries.length) await files.remove(victim);
    else await removeBatches(parts, victim, gone);
  }
}

interface Victim {
  readonly victim: KnownFile;
  readonly entries: readonly BatchEntry[];
  readonly gone: readonly BatchEntry[];
}

/** The first file with batches that may go, and its oldest ones. When only recorded ones are left, these go. */
function victimOf(files: RecordFiles, list: readonly KnownFile[], held: HeldBatches, excess: number): Victim {
  const isOrdinary = ({ kind }: KnownFile): boolean => kind === 'traces-ordinary';
  const inOrder = [...list.filter(isOrdinary), ...list.filter((known) => !isOrdinary(known))];
  const choose = (victim: KnownFile, mayGo: (entry: BatchEntry) => boolean): Victim => {
    const entries = [...files.entries(victim)].sort((a, b) => ageMs(a, victim) - ageMs(b, victim));
    let freed = 0;
    const gone = entries.filter((entry) => {
      if (freed >= excess || !mayGo(entry)) return false;
      freed += entry.sizeBytes;
      return true;
    });
    return { victim, entries, gone };
  };
  for (const known of inOrder) {
    const found = choose(known, (entry) => !held.holds(entry));
    if (found.gone.length > 0 || found.entries.length === 0) return found;
  }
  return choose(inOrder[0], () => true);
}

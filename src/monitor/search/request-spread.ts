/**
 * A choice of ledger rows that shows the distribution of all, as `sort=spread` does for traces: the range is cut into equal parts,
 * and each gives its slowest row and one more, a failed one when there is one. Only chosen rows are decoded.
 */
import type { Clock } from '../../base/clock.ts';
import type { RecordPosition, RecordSource } from '../../model/record-source.ts';
import type { RequestRow } from '../../model/request-row.ts';
import { rowMs, valueAt } from './counts.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';

export interface ChosenRow {
  readonly record: RequestRow;
  readonly position: RecordPosition;
}

export interface RequestSpread extends ScanOutcome {
  /** Newest first. */
  readonly rows: readonly ChosenRow[];
  /** Rows of the range that match. */
  readonly total: number;
}

interface Candidate {
  readonly durationMs: number;
  readonly failed: boolean;
  /** Decodes the row; only in the turn of its batch. */
  chosen: ChosenRow | (() => ChosenRow);
}

interface Part {
  slowest: Candidate;
  other: Candidate | undefined;
}

/** At most `limit` rows of a range with both ends. */
export async function requestSpread(
  source: RecordSource,
  request: ScanRequest<'requests'>,
  limit: number,
  clock: Clock,
): Promise<RequestSpread> {
  const count = Math.max(1, Math.floor(limit / 2));
  const partMs = Math.max(1, (request.toMs - request.fromMs) / count);
  const parts = new Map<number, Part>();
  let total = 0;
  const outcome = await scanMatches(source, request, clock, (batch, rows) => {
    const [durations, reasons] = [batch.column('duration'), batch.column('reason')];
    total += rows.length;
    for (const row of rows) {
      const candidate: Candidate = {
        durationMs: Number(valueAt(durations, row) ?? 0),
        failed: valueAt(reasons, row) !== undefined,
        chosen: () => ({ record: batch.record(row), position: batch.positionOf(row) }),
      };
      const at = Math.floor((rowMs(batch, row) - request.fromMs) / partMs);
      const part = parts.get(at);
      if (part === undefined) parts.set(at, { slowest: candidate, other: undefined });
      else add(part, candidate);
    }
    for (const { slowest, other } of parts.values()) {
      decode(slowest);
      if (other !== undefined) decode(other);
    }
  });
  const chosen = [...parts.values()]
    .flatMap(({ slowest, other }) => (other === undefined ? [slowest] : [slowest, other]))
    .map(decode)
    .sort(
      (a, b) => Number(b.position.timeUnixNano - a.position.timeUnixNano) || b.position.sequence - a.position.sequence,
    );
  return { ...outcome, rows: chosen.slice(0, limit), total };
}

function add(part: Part, candidate: Candidate): void {
  const isSlowest = candidate.durationMs > part.slowest.durationMs;
  const left = isSlowest ? part.slowest : candidate;
  if (isSlowest) part.slowest = candidate;
  if (part.other === undefined || (left.failed && !part.other.failed)) part.other = left;
}

function decode(candidate: Candidate): ChosenRow {
  if (typeof candidate.chosen === 'function') candidate.chosen = candidate.chosen();
  return candidate.chosen;
}

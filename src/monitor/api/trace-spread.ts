/**
 * A choice of traces that shows the distribution of all. The time that they cover is cut into equal parts. Each part gives
 * its slowest trace and one more, a failed one when there is one. A peak is therefore visible even behind many newer traces;
 * a choice of the newest traces would not show it.
 */
import type { TraceSummary } from '../../model/ports.ts';

interface Part {
  slowest: TraceSummary;
  other: TraceSummary | undefined;
}

/** At most `limit` of the traces, in the given order, newest first. Returns all of them when there are no more than that. */
export function spread(newestFirst: readonly TraceSummary[], limit: number): readonly TraceSummary[] {
  const newest = newestFirst[0]?.startUnixNano;
  const oldest = newestFirst.at(-1)?.startUnixNano;
  if (newestFirst.length <= limit || newest === undefined || oldest === undefined) return newestFirst;
  const count = Math.max(1, Math.floor(limit / 2));
  const span = Number(newest - oldest) + 1;
  const parts = new Map<number, Part>();
  for (const trace of newestFirst) {
    const at = Math.floor((Number(trace.startUnixNano - oldest) / span) * count);
    const part = parts.get(at);
    if (part === undefined) parts.set(at, { slowest: trace, other: undefined });
    else add(part, trace);
  }
  const chosen = new Set([...parts.values()].flatMap(({ slowest, other = slowest }) => [slowest, other]));
  return newestFirst.filter((trace) => chosen.has(trace)).slice(0, limit);
}

function add(part: Part, trace: TraceSummary): void {
  const isSlowest = trace.durationMs > part.slowest.durationMs;
  const left = isSlowest ? part.slowest : trace;
  if (isSlowest) part.slowest = trace;
  if (part.other === undefined || (left.errors > 0 && part.other.errors === 0)) part.other = left;
}

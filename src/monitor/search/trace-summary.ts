import type { TraceSummary } from '../../model/ports.ts';
import { serviceOf, type SpanRecord } from '../../model/records.ts';

/** A summary from the spans of one trace, of which there must be at least one. */
export function traceSummary(spans: readonly SpanRecord[]): TraceSummary {
  const sorted = [...spans].sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  const start = sorted[0].startUnixNano;
  let end = start;
  for (const { endUnixNano } of sorted) if (endUnixNano > end) end = endUnixNano;
  const ids = new Set(sorted.map(({ spanId }) => spanId));
  const isTop = ({ parentSpanId }: SpanRecord): boolean => !ids.has(parentSpanId);
  const root = sorted.find(({ parentSpanId }) => parentSpanId === '') ?? sorted.find(isTop) ?? sorted[0];
  return {
    traceId: root.traceId,
    root: { service: serviceOf(root.resource), name: root.name },
    startUnixNano: start,
    durationMs: Number(end - start) / 1e6,
    spans: sorted.length,
    errors: sorted.filter(({ status }) => status === 'error').length,
    services: [...new Set(sorted.map(({ resource }) => serviceOf(resource)))].sort(),
  };
}

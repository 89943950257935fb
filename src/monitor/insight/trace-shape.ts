/** What one trace says: the spans that its duration is made of, and where its errors began. Pure. */
import type { SpanRecord } from '../../model/records.ts';

export interface PathPart {
  readonly spanId: string;
  /** Nanoseconds of the trace's duration that this span itself accounts for. */
  readonly nanos: bigint;
}

/** Children by parent; a span whose parent is not in the trace is a child of ''. */
function childrenOf(spans: readonly SpanRecord[]): ReadonlyMap<string, SpanRecord[]> {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, SpanRecord[]>();
  for (const span of spans) {
    const parent = ids.has(span.parentSpanId) && span.parentSpanId !== span.spanId ? span.parentSpanId : '';
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [span]);
    else list.push(span);
  }
  return children;
}

/**
 * The critical path: from the end of the root backwards, always the child that ended last before the present moment. Time in
 * which no child runs belongs to the span itself, so the parts add up to the root's duration. Longest part first.
 */
export function criticalPath(spans: readonly SpanRecord[]): PathPart[] {
  const children = childrenOf(spans);
  const [root] = (children.get('') ?? []).toSorted((a, b) =>
    a.parentSpanId === b.parentSpanId
      ? compare(a.startUnixNano, b.startUnixNano)
      : compareText(a.parentSpanId, b.parentSpanId),
  );
  if (root === undefined) return [];
  const own = new Map<string, bigint>();
  // An explicit stack: a trace may be thousands of spans deep.
  const work = [{ span: root, from: root.startUnixNano, to: root.endUnixNano }];
  const visited = new Set<string>();
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    const { span, from, to } = next;
    if (visited.has(span.spanId)) continue;
    visited.add(span.spanId);
    let cursor = to;
    let self = 0n;
    const latestFirst = (children.get(span.spanId) ?? []).toSorted((a, b) => compare(b.endUnixNano, a.endUnixNano));
    for (const child of latestFirst) {
      const end = child.endUnixNano < cursor ? child.endUnixNano : cursor;
      const start = child.startUnixNano > from ? child.startUnixNano : from;
      if (end <= start) continue;
      self += cursor - end;
      work.push({ span: child, from: start, to: end });
      cursor = start;
      if (cursor <= from) break;
    }
    if (cursor > from) self += cursor - from;
    if (self > 0n) own.set(span.spanId, self);
  }
  return [...own].map(([spanId, nanos]) => ({ spanId, nanos })).sort((a, b) => compare(b.nanos, a.nanos));
}

/** The failed spans below which no span failed: where the errors began. By start. */
export function errorOrigins(spans: readonly SpanRecord[]): SpanRecord[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const failed = spans.filter(({ status }) => status === 'error');
  const above = new Set<string>();
  for (const span of failed) {
    const seen = new Set([span.spanId]);
    let parent = byId.get(span.parentSpanId);
    while (parent !== undefined && !seen.has(parent.spanId) && !above.has(parent.spanId)) {
      above.add(parent.spanId);
      seen.add(parent.spanId);
      parent = byId.get(parent.parentSpanId);
    }
  }
  return failed.filter(({ spanId }) => !above.has(spanId)).sort((a, b) => compare(a.startUnixNano, b.startUnixNano));
}

const compare = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? -1 : 1);
const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

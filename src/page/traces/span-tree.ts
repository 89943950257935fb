/**
 * Spans as a tree in drawing order, and the critical path through them. Pure. It accepts the data of broken senders: a span
 * that is its own parent, cycles, absent parents, two spans with one id.
 */
import type { SpanView } from '../../monitor/api/contract.ts';

export interface SpanNode {
  readonly span: SpanView;
  readonly depth: number;
  readonly children: readonly SpanNode[];
  /** Milliseconds not covered by children. */
  readonly selfMs: number;
  /** The parts of the span that the whole trace waited for, from the start of the trace. */
  readonly critical: readonly Interval[];
}

export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Clocks of two machines differ by this much without anybody noticing. */
const CLOCKS_MS = 5;

const endOf = (span: SpanView): number => span.startOffsetMs + span.durationMs;

function childrenById(spans: readonly SpanView[]): { roots: SpanView[]; byParent: Map<string, SpanView[]> } {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const byParent = new Map<string, SpanView[]>();
  const roots: SpanView[] = [];
  for (const span of spans) {
    const { parentSpanId: parent } = span;
    if (parent === '' || parent === span.spanId || !ids.has(parent)) roots.push(span);
    else byParent.set(parent, [...(byParent.get(parent) ?? []), span]);
  }
  return { roots, byParent };
}

/** Time of `span` that none of `children` covers. */
function selfTime(span: SpanView, children: readonly SpanView[]): number {
  let covered = 0;
  let reached = span.startOffsetMs;
  for (const child of [...children].sort((a, b) => a.startOffsetMs - b.startOffsetMs)) {
    const from = Math.max(reached, child.startOffsetMs);
    const to = Math.min(endOf(span), endOf(child));
    if (to > from) covered += to - from;
    reached = Math.max(reached, to);
  }
  return Math.max(0, span.durationMs - covered);
}

/**
 * The critical path, as in Jaeger: from the end of the root backwards, the child that ended last before the current point is
 * on the path, then the child before it. The time between children belongs to the span itself. A child that ends
 * after its parent is not on the path, unless it runs in another service: clocks differ, and such a child counts up to the
 * parent's end.
 */
function criticalPath(
  root: SpanView,
  byParent: ReadonlyMap<string, readonly SpanView[]>,
): ReadonlyMap<SpanView, Interval[]> {
  const path = new Map<SpanView, Interval[]>();
  const stack: [span: SpanView, until: number][] = [[root, endOf(root)]];
  while (stack.length > 0) {
    const [span, until] = stack.pop() as [SpanView, number];
    if (path.has(span)) continue;
    const own: Interval[] = [];
    path.set(span, own);
    const end = Math.min(until, endOf(span));
    let reached = end;
    const children = [...(byParent.get(span.spanId) ?? [])].sort((a, b) => endOf(b) - endOf(a));
    for (const child of children) {
      const childEnd = child.service === span.service ? endOf(child) : Math.min(end, endOf(child));
      // Half a millisecond does not count as a gap: many senders record whole milliseconds.
      if (childEnd > reached + 0.5 || child.startOffsetMs >= reached || path.has(child)) continue;
      stack.push([child, reached]);
      if (reached > childEnd) own.push({ fromMs: childEnd, toMs: reached });
      reached = child.startOffsetMs;
    }
    if (reached > span.startOffsetMs) own.push({ fromMs: span.startOffsetMs, toMs: reached });
  }
  return path;
}

export function treeOf(spans: readonly SpanView[]): readonly SpanNode[] {
  const { roots, byParent } = childrenById(spans);
  const placed = new Set<SpanView>();
  const main = roots[0] ?? spans[0];
  const critical = main === undefined ? new Map<SpanView, Interval[]>() : criticalPath(main, byParent);
  const build = (span: SpanView, depth: number): SpanNode => {
    placed.add(span);
    // A deeper tree is a mistake of the sender, and recursion must be bounded.
    const own = depth > 200 ? [] : (byParent.get(span.spanId) ?? []);
    const children: SpanNode[] = [];
    for (const child of own) if (!placed.has(child)) children.push(build(child, depth + 1));
    return { span, depth, children, selfMs: selfTime(span, own), critical: critical.get(span) ?? [] };
  };
  const nodes = roots.map((root) => build(root, 0));
  // Spans that are only reachable through a cycle are drawn as roots.
  for (const span of spans) if (!placed.has(span)) nodes.push(build(span, 0));
  return nodes;
}

/** What is not as it is in a trace that came whole and ended with its answer. */
export interface Gaps {
  /** The span without a parent has not come. */
  readonly noRoot: boolean;
  /** Spans whose parent is not here. */
  readonly orphans: number;
  /** Spans that went on after the root had ended. */
  readonly late: ReadonlySet<string>;
}

export function gapsOf(spans: readonly SpanView[]): Gaps {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const root = spans.find(({ parentSpanId }) => parentSpanId === '');
  const late = root === undefined ? [] : spans.filter((span) => endOf(span) > endOf(root) + CLOCKS_MS);
  return {
    noRoot: root === undefined,
    orphans: spans.filter(({ parentSpanId: parent }) => parent !== '' && !ids.has(parent)).length,
    late: new Set(late.map(({ spanId }) => spanId)),
  };
}

/** The rows of the waterfall, without the spans below a closed span. */
export function rowsOf(nodes: readonly SpanNode[], closed: ReadonlySet<string>): readonly SpanNode[] {
  const rows: SpanNode[] = [];
  const stack = [...nodes].reverse();
  while (stack.length > 0) {
    const node = stack.pop() as SpanNode;
    rows.push(node);
    if (!closed.has(node.span.spanId)) stack.push(...[...node.children].reverse());
  }
  return rows;
}

/** Round ticks for an axis of `length`, about `count` of them, without the end. */
export function ticksOf(length: number, count = 5): number[] {
  if (!(length > 0)) return [0];
  const rough = length / Math.max(1, count);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((n) => n * unit >= rough) ?? 10) * unit;
  const ticks: number[] = [];
  for (let at = 0; at < length * (1 - 0.4 / Math.max(1, count)); at += step) ticks.push(at);
  return ticks;
}

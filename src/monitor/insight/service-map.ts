/**
 * The map of services over the spans that a filter selects. Both sides of a call are in one trace but rarely in one batch, so
 * the spans are gathered, up to a limit, and paired at the end. A map that the limit cut short says so, and its rates are over
 * the time from which it has spans.
 */
import type { Clock } from '../../base/clock.ts';
import type { RecordSource } from '../../model/record-source.ts';
import type { SpanRecord } from '../../model/records.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from '../search/scan.ts';
import { callsOf, ServiceGraph, type Edge } from './service-graph.ts';

export interface ServiceMap extends ScanOutcome {
  readonly edges: readonly (Edge & { readonly rate: number })[];
  readonly spans: number;
  /** Calls on edges beyond the limit of edges. */
  readonly omitted: number;
}

export const MAX_MAP_SPANS = 200_000;

export async function serviceMap(
  records: RecordSource,
  asked: ScanRequest<'traces'>,
  clock: Clock,
  maxSpans = MAX_MAP_SPANS,
): Promise<ServiceMap> {
  const spans: SpanRecord[] = [];
  const outcome = await scanMatches(records, asked, clock, (batch, rows) => {
    for (const row of rows) spans.push(batch.record(row));
    return spans.length < maxSpans ? undefined : 'full';
  });
  const graph = new ServiceGraph();
  for (const call of callsOf(spans)) graph.add(call);
  const fromMs = outcome.complete ? asked.fromMs : oldestMs(spans);
  const seconds = Math.max(1, (Math.min(asked.toMs, clock.now()) - fromMs) / 1_000);
  const edges = graph.edges().map((edge) => ({ ...edge, rate: edge.calls / seconds }));
  return { ...outcome, edges, spans: spans.length, omitted: graph.omitted };
}

const oldestMs = (spans: readonly SpanRecord[]): number =>
  spans.reduce((oldest, { startUnixNano }) => Math.min(oldest, Number(startUnixNano) / 1e6), Infinity);

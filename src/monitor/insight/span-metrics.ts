/**
 * Span metrics and the service graph as series, with the names and labels of Tempo's metrics generator, so that dashboards made
 * for it work here. Spans of sampled traces count as often as their `tracestate` says (`ot=th:`).
 */
import type { Clock } from '../../base/clock.ts';
import type { AppendResult, SampleSink, SpanSink } from '../../model/ports.ts';
import { serviceOf, type AttributeValue, type Attributes, type SpanRecord } from '../../model/records.ts';
import { SampleColumns } from '../ingest/metrics/sample-columns.ts';
import { CallPairs, type WeightedCall } from './call-pairs.ts';
import { SPAN_KINDS, SPAN_STATUS } from './span-labels.ts';
import { SpanSeries } from './span-series.ts';

const powers = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, at) => Number((first * 2 ** at).toPrecision(12)));

/** Tempo's own bounds. */
const SPANS = {
  counters: ['traces_spanmetrics_calls_total', 'traces_spanmetrics_size_total'],
  histograms: ['traces_spanmetrics_latency'],
  bounds: powers(0.002, 14),
} as const;
const CALLS = {
  counters: ['traces_service_graph_request_total', 'traces_service_graph_request_failed_total'],
  histograms: ['traces_service_graph_request_server_seconds', 'traces_service_graph_request_client_seconds'],
  bounds: powers(0.1, 8),
} as const;
const UNPAIRED = { counters: ['traces_service_graph_unpaired_spans_total'], histograms: [], bounds: [] } as const;
const DROPPED = { counters: ['traces_service_graph_dropped_spans_total'], histograms: [], bounds: [] } as const;

/** Names of operations come from outside. */
const MAX_NAME = 200;

/** Spans of synthetic checks, which are no users' requests (semantic conventions, "user agent"). */
const isOfCheck = ({ attributes }: SpanRecord): boolean => Object.hasOwn(attributes, 'user_agent.synthetic.type');
/** No trace begins like this. */
const NO_CHECKS = '-';

export interface SpanMetricsOptions {
  readonly sink: SpanSink;
  readonly clock: Clock;
  /** Combinations of labels, of span metrics and of the service graph each. */
  readonly maxCombinations: number;
  /** The digits with which the trace ids of this installation's checks begin: services that know no mark are left out too. */
  readonly checkTraces?: string | undefined;
  readonly onOverflow?: ((spans: number) => void) | undefined;
}

export class SpanMetrics implements SpanSink {
  readonly #options: SpanMetricsOptions;
  readonly #spans: SpanSeries;
  readonly #calls: SpanSeries;
  readonly #unpaired: SpanSeries;
  readonly #dropped = new SpanSeries(DROPPED, 1);
  readonly #pairs: CallPairs;
  readonly #checks: string;
  #writtenMs: number;
  #overflowed = 0;

  constructor(options: SpanMetricsOptions) {
    const { maxCombinations, clock } = options;
    this.#options = options;
    this.#checks = options.checkTraces ?? NO_CHECKS;
    this.#spans = new SpanSeries(SPANS, maxCombinations);
    this.#calls = new SpanSeries(CALLS, maxCombinations);
    this.#unpaired = new SpanSeries(UNPAIRED, maxCombinations);
    this.#pairs = new CallPairs({
      onCall: (call) => this.#call(call),
      onUnpaired: (call, isClient) => this.#noteUnpaired(call, isClient),
    });
    this.#writtenMs = Math.floor(clock.now());
  }

  /** Spans and calls whose combination of labels was over the limit. */
  get overflowed(): number {
    return this.#spans.overflowed + this.#calls.overflowed + this.#unpaired.overflowed;
  }

  append(spans: readonly SpanRecord[]): AppendResult | Promise<AppendResult> {
    const nowMs = this.#options.clock.monotonic();
    for (const span of spans) {
      if (isOfCheck(span) || span.traceId.startsWith(this.#checks)) continue;
      this.#span(span, nowMs);
      this.#pairs.take(span, nowMs);
    }
    return this.#options.sink.append(spans);
  }

  /** Writes all series at `nowMs`. Must be called every few seconds. */
  async samples(nowMs: number, sink: SampleSink): Promise<void> {
    const monotonicMs = this.#options.clock.monotonic();
    this.#pairs.expire(monotonicMs);
    if (this.#pairs.dropped > 0) this.#dropped.at('', monotonicMs, () => ({})).counters[0] = this.#pairs.dropped;
    const columns = new SampleColumns();
    const at = { nowMs, beforeMs: Math.min(this.#writtenMs, nowMs), monotonicMs };
    for (const series of [this.#spans, this.#calls, this.#unpaired, this.#dropped]) series.write(at, columns, sink);
    this.#writtenMs = nowMs;
    const more = this.overflowed - this.#overflowed;
    this.#overflowed += more;
    if (more > 0) this.#options.onOverflow?.(more);
    if (!columns.isEmpty) await sink.append(columns.batch());
  }

  #span(span: SpanRecord, nowMs: number): void {
    const { kind, status, weight = 1 } = span;
    const service = cut(serviceOf(span.resource));
    const name = cut(span.name);
    const one = this.#spans.at(`${service}\n${name}\n${kind}\n${status}`, nowMs, () => ({
      service,
      span_name: name,
      span_kind: SPAN_KINDS[kind],
      status_code: SPAN_STATUS[status],
    }));
    one.counters[0] += weight;
    one.counters[1] += spanBytes(span) * weight;
    one.observe(0, Math.max(0, Number(span.endUnixNano - span.startUnixNano) / 1e9), weight);
  }

  #call({ client, server, connection, failed, clientSeconds, serverSeconds, weight }: WeightedCall): void {
    const [from, to] = [cut(client), cut(server)];
    const one = this.#calls.at(`${from}\n${to}\n${connection}`, this.#options.clock.monotonic(), () => ({
      client: from,
      server: to,
      connection_type: connection,
    }));
    one.counters[0] += weight;
    if (failed) one.counters[1] += weight;
    one.observe(0, serverSeconds ?? 0, weight);
    one.observe(1, clientSeconds ?? 0, weight);
  }

  /** The side that is known stands in its label; the other is empty. */
  #noteUnpaired({ client, server, weight }: WeightedCall, isClient: boolean): void {
    const labels = isClient ? { client: cut(client), server: '' } : { client: '', server: cut(server) };
    const key = `${labels.client}\n${labels.server}`;
    this.#unpaired.at(key, this.#options.clock.monotonic(), () => labels).counters[0] += weight;
  }
}

const cut = (text: string): string => (text.length > MAX_NAME ? text.slice(0, MAX_NAME) : text);

/** Ids, kind, times and status of a span in protobuf. */
const FIXED_BYTES = 60;
/** Tags and lengths of one attribute. */
const ATTRIBUTE_BYTES = 8;

/** About the size of the span in protobuf; a character counts as one byte. */
function spanBytes({ name, attributes, events, links, statusMessage }: SpanRecord): number {
  let bytes = FIXED_BYTES + name.length + statusMessage.length + bagBytes(attributes);
  for (const event of events) bytes += 13 + event.name.length + bagBytes(event.attributes);
  for (const link of links) bytes += 30 + bagBytes(link.attributes);
  return bytes;
}

function bagBytes(attributes: Attributes): number {
  let bytes = 0;
  for (const name in attributes) bytes += ATTRIBUTE_BYTES + name.length + valueBytes(attributes[name]);
  return bytes;
}

function valueBytes(value: AttributeValue): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (!Array.isArray(value)) return bagBytes(value as Attributes);
  return (value as readonly AttributeValue[]).reduce<number>((sum, item) => sum + 2 + valueBytes(item), 0);
}

/**
 * Exemplars of durations from stored spans. The SDKs of most languages send none, but every accepted span is stored, and the
 * spans of a request have the attributes that its duration was recorded with. So an exemplar is found after the fact: for each
 * series that the query selects, the slowest span of each stretch of time, in the bucket that counted it. Exemplars that were
 * sent with samples win.
 */
import type { Clock } from '../../base/clock.ts';
import { attributeText } from '../../model/attribute-text.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { prometheusLabelName } from '../../model/naming.ts';
import type { Querier } from '../../model/ports.ts';
import type { RecordBatch, RecordSource } from '../../model/record-source.ts';
import type { Exemplar, ExemplarSeries } from '../../model/series.ts';
import { selectorsOf } from '../promql/syntax/expression-shape.ts';
import { parse } from '../promql/syntax/parser.ts';
import { print } from '../promql/syntax/printer.ts';
import { checkedFilter } from '../search/checker.ts';
import { valueAt } from '../search/counts.ts';
import type { Condition, Filter } from '../search/filter.ts';
import { scanMatches, type ScanLimits } from '../search/scan.ts';
import { SPAN_KINDS, SPAN_STATUS } from './span-labels.ts';

/** Durations that are recorded of spans, by family, and the filter for those spans. */
const FAMILIES: Readonly<Record<string, string>> = {
  http_server_request_duration_seconds: 'kind:server http.request.method:*',
  http_client_request_duration_seconds: 'kind:client http.request.method:*',
  db_client_operation_duration_seconds: 'kind:client (db.system.name:* or db.system:*)',
  traces_spanmetrics_latency: '',
};
const SUFFIX = /_(?:bucket|count|sum)$/;
const LIMITS: ScanLimits = { timeMs: 2_000, bytes: 256 * 1024 ** 2 };
/** Spans that began so long before the range and end in it are found. */
const LEAD_MS = 60_000;
const MAX_SPANS = 500_000;
const MAX_SERIES = 10_000;
const MAX_SERVICES = 50;
/** Stretches of time of a query, each with one exemplar a series. */
const SLOTS = 60;
const MAX_EXEMPLARS = 6_000;

type Read = (row: number) => string | undefined;

/** `querier` with exemplars from the spans of `records` beside its own. */
export function withSpanExemplars(querier: Querier, records: RecordSource, clock: Clock): Querier {
  return {
    ...querier,
    async exemplars(expr, startMs, endMs) {
      const sent = await querier.exemplars(expr, startMs, endMs);
      const found: ExemplarSeries[] = [...sent];
      const known = new Set(sent.map(({ labels }) => labels.key));
      for (const [family, selectors] of familiesIn(expr)) {
        const series = await querier.series(selectors, startMs, endMs, MAX_SERIES);
        const wanted = new WantedSeries(series.filter(({ key }) => !known.has(key)));
        if (wanted.isEmpty) continue;
        await collect({ records, clock, family, wanted, startMs, endMs });
        found.push(...wanted.found());
      }
      return found;
    },
  };
}

/** Selectors by family, for the families that spans know. */
function familiesIn(expr: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const selector of selectorsOf(parse(expr))) {
    const name = selector.matchers.find((one) => one.name === METRIC_NAME && one.op === '=')?.value ?? '';
    const family = name.replace(SUFFIX, '');
    if (!Object.hasOwn(FAMILIES, family)) continue;
    // Without offset and @: exemplars are asked for by the range of the request.
    const text = print({ ...selector, offset: undefined, at: undefined });
    found.set(family, [...(found.get(family) ?? []), text]);
  }
  return found;
}

interface Asked {
  readonly records: RecordSource;
  readonly clock: Clock;
  readonly family: string;
  readonly wanted: WantedSeries;
  readonly startMs: number;
  readonly endMs: number;
}

async function collect({ records, clock, family, wanted, startMs, endMs }: Asked): Promise<void> {
  const filter = withServices(checkedFilter(FAMILIES[family], clock.now()), wanted.services());
  const slotMs = Math.max(1, (endMs - startMs) / SLOTS);
  let spans = 0;
  // The duration is recorded at the end of a span, and spans are stored by their begin.
  const request = {
    signal: 'traces',
    filter,
    fromMs: Math.floor(startMs) - LEAD_MS,
    toMs: Math.floor(endMs) + 1,
  } as const;
  await scanMatches(records, { ...request, limits: LIMITS }, clock, (batch, rows) => {
    const place = wanted.placing(batch, family);
    const durations = batch.column('duration');
    for (const row of rows) {
      const durationMs = valueAt(durations, row) as number;
      const beginMs = Number(batch.positionOf(row).timeUnixNano / 1_000n) / 1_000;
      const timestampMs = Math.round(beginMs + durationMs);
      if (timestampMs < startMs || timestampMs > endMs) continue;
      place(row, durationMs / 1_000, timestampMs, Math.floor((timestampMs - startMs) / slotMs));
    }
    spans += rows.length;
    return spans >= MAX_SPANS ? 'full' : undefined;
  });
}

function withServices(filter: Filter, services: readonly string[] | undefined): Filter {
  if (services === undefined) return filter;
  const tests = services.map((text) => ({ kind: 'equal', text, folded: false }) as const);
  const service: Condition = { kind: 'field', field: 'service', test: { kind: 'any', tests } };
  return { ...filter, condition: { kind: 'and', parts: [filter.condition, service] } };
}

interface Histogram {
  readonly labels: Labels;
  /** Buckets by upper bound, rising; one series without a bound when only the count, the sum or a native histogram is asked for. */
  readonly buckets: { readonly bound: number; readonly labels: Labels }[];
  readonly slots: Map<string, { readonly labels: Labels; readonly exemplar: Exemplar }>;
}

/** The series of a family that lack exemplars, found by the values of their labels. */
class WantedSeries {
  /** By the names of the labels, then by their values. A span may fit several sets of names: the most specific wins. */
  readonly #byNames = new Map<string, { readonly names: readonly string[]; readonly series: Map<string, Histogram> }>();
  #exemplars = 0;

  constructor(series: readonly Labels[]) {
    for (const labels of series) {
      const own = [...labels].filter(([name]) => name !== METRIC_NAME && name !== 'le');
      const names = own.map(([name]) => name);
      const key = names.join('\n');
      let set = this.#byNames.get(key);
      if (set === undefined) this.#byNames.set(key, (set = { names, series: new Map() }));
      const values = keyOf(own.map(([, value]) => value));
      let histogram = set.series.get(values);
      if (histogram === undefined) {
        histogram = { labels, buckets: [], slots: new Map() };
        set.series.set(values, histogram);
      }
      const bound = labels.get('le');
      histogram.buckets.push({ bound: bound === '' || bound === '+Inf' ? Infinity : Number(bound), labels });
    }
    for (const { series: all } of this.#byNames.values())
      for (const { buckets } of all.values()) buckets.sort((a, b) => a.bound - b.bound);
  }

  get isEmpty(): boolean {
    return this.#byNames.size === 0;
  }

  /** Names of the services, undefined when they are not known or too many. */
  services(): string[] | undefined {
    const services = new Set<string>();
    for (const { series } of this.#byNames.values()) {
      for (const { labels } of series.values()) {
        const service = labels.get('service') || labels.get('job').split('/').at(-1);
        if (service === undefined || service === '') return undefined;
        services.add(service);
      }
    }
    return services.size > MAX_SERVICES ? undefined : [...services];
  }

  /** A function that takes the spans of a batch. */
  placing(
    batch: RecordBatch<'traces'>,
    family: string,
  ): (row: number, seconds: number, timestampMs: number, slot: number) => void {
    const fields = new Map(batch.fields().map((field) => [prometheusLabelName(field), field]));
    const sets = [...this.#byNames.values()]
      .map(({ names, series }) => ({ series, reads: names.map((name) => readOf(batch, family, name, fields)) }))
      .filter(({ reads }) => reads.every((read) => read !== undefined))
      .sort((a, b) => b.reads.length - a.reads.length);
    const [traces, spans] = [batch.column('trace'), batch.column('span')];
    return (row, seconds, timestampMs, slot) => {
      const histogram = histogramOf(sets, row);
      const bucket = histogram?.buckets.find(({ bound }) => seconds <= bound);
      if (histogram === undefined || bucket === undefined) return;
      const key = `${bucket.bound} ${slot}`;
      const before = histogram.slots.get(key);
      if (before === undefined) {
        if (this.#exemplars >= MAX_EXEMPLARS) return;
        this.#exemplars += 1;
      } else if (before.exemplar.value >= seconds) return;
      const ids = { trace_id: valueAt(traces, row) as string, span_id: valueAt(spans, row) as string };
      const exemplar = { labels: Labels.from(ids), value: seconds, timestampMs };
      histogram.slots.set(key, { labels: bucket.labels, exemplar });
    };
  }

  /** Each series with its exemplars in the order of time. */
  *found(): Generator<ExemplarSeries> {
    for (const { series } of this.#byNames.values()) {
      for (const { slots } of series.values()) {
        const bySeries = new Map<Labels, Exemplar[]>();
        for (const { labels, exemplar } of slots.values())
          bySeries.set(labels, [...(bySeries.get(labels) ?? []), exemplar]);
        for (const [labels, exemplars] of bySeries)
          yield { labels, exemplars: exemplars.sort((a, b) => a.timestampMs - b.timestampMs) };
      }
    }
  }
}

/** Values come from outside: each is written with its length. */
const keyOf = (values: readonly string[]): string => values.map((value) => `${value.length}:${value}`).join('');

function histogramOf(
  sets: readonly { readonly series: ReadonlyMap<string, Histogram>; readonly reads: readonly (Read | undefined)[] }[],
  row: number,
): Histogram | undefined {
  for (const { series, reads } of sets) {
    const values = reads.map((read) => read?.(row));
    if (!values.every((value) => value !== undefined)) continue;
    const found = series.get(keyOf(values));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Reads the value that a span would have given the label; undefined when no span of the batch has it. */
function readOf(
  batch: RecordBatch<'traces'>,
  family: string,
  label: string,
  fields: ReadonlyMap<string, string>,
): Read | undefined {
  const read = (field: string): Read | undefined => {
    const column = batch.column(field);
    if (column === undefined) return undefined;
    return (row) => {
      const value = valueAt(column, row);
      return value === undefined ? undefined : attributeText(value);
    };
  };
  const named = (names: Readonly<Record<string, string>>, of: Read | undefined): Read => {
    return (row) => names[of?.(row) ?? ''];
  };
  if (family === 'traces_spanmetrics_latency') {
    if (label === 'service') return () => batch.service;
    if (label === 'span_name') return read('name');
    if (label === 'span_kind') return named(SPAN_KINDS, read('kind'));
    if (label === 'status_code') return named(SPAN_STATUS, read('span.status'));
  }
  if (label === 'instance') return read('service.instance.id');
  if (label === 'job') {
    const namespace = read('service.namespace');
    return (row) => {
      const before = namespace?.(row) ?? '';
      return before === '' ? batch.service : `${before}/${batch.service}`;
    };
  }
  const field = fields.get(label);
  return field === undefined ? undefined : read(field);
}

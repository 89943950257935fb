/** Exemplars of durations come from stored spans, for real series only, and those that were sent win. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Querier } from '../../../src/model/ports.ts';
import type { ExemplarSeries } from '../../../src/model/series.ts';
import { withSpanExemplars } from '../../../src/monitor/insight/span-exemplars.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { MemorySource } from '../../support/promql/memory-source.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { spanOf, type SpanParts } from '../../support/records/plain-records.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const HTTP = 'http_server_request_duration_seconds';

interface Rig {
  readonly samples: MemorySource;
  readonly records: ArrayRecords;
  readonly querier: Querier;
  readonly sent: ExemplarSeries[];
  readonly ask: (expr: string, fromMs?: number, toMs?: number) => Promise<unknown[]>;
}

function rig(): Rig {
  const samples = new MemorySource();
  const records = new ArrayRecords(50);
  const sent: ExemplarSeries[] = [];
  const inner = { ...embeddedQuerier(samples), exemplars: () => Promise.resolve(sent) };
  const querier = withSpanExemplars(inner, records, systemClock);
  const ask: Rig['ask'] = async (expr, fromMs = NOW - 60_000, toMs = NOW + 60_000) => {
    const found = await querier.exemplars(expr, fromMs, toMs);
    return found.flatMap(({ labels, exemplars }) =>
      exemplars.map((one) => ({
        series: labels.toJSON(),
        trace: Number.parseInt(one.labels.get('trace_id'), 16),
        span: Number.parseInt(one.labels.get('span_id'), 16),
        value: one.value,
        atMs: one.timestampMs - NOW,
      })),
    );
  };
  return { samples, records, querier, sent, ask };
}

function addSeries(
  samples: MemorySource,
  name: string,
  labels: Record<string, string>,
  bounds: readonly string[],
): void {
  const add = (more: Record<string, string>): void =>
    samples.add(Labels.from({ __name__: name, ...labels, ...more }), [{ t: NOW - 30_000, v: 1 }]);
  if (bounds.length === 0) add({});
  for (const le of bounds) add({ le });
}

const http = (parts: Omit<SpanParts, 'span' | 'kind'>, status = 200): ReturnType<typeof spanOf> =>
  spanOf({
    ...parts,
    span: parts.trace,
    kind: 'server',
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': status, 'http.route': '/pay' },
  });

const SHOP = { job: 'shop', http_request_method: 'GET', http_response_status_code: '200', http_route: '/pay' };

describe('exemplars from spans', () => {
  it('stand in the bucket that counted the span, at its end', async () => {
    const { samples, records, ask } = rig();
    addSeries(samples, `${HTTP}_bucket`, SHOP, ['0.1', '1', '+Inf']);
    records.add('traces', [
      http({ trace: 1, startMs: NOW, durationMs: 50 }),
      http({ trace: 2, startMs: NOW, durationMs: 100 }),
      http({ trace: 3, startMs: NOW, durationMs: 700 }),
      http({ trace: 4, startMs: NOW, durationMs: 700 }, 500),
      http({ trace: 5, startMs: NOW, durationMs: 700, service: 'other' }),
      spanOf({
        trace: 6,
        span: 6,
        startMs: NOW,
        durationMs: 900,
        kind: 'client',
        attributes: { 'http.request.method': 'GET' },
      }),
    ]);
    const found = await ask(`histogram_quantile(0.9, sum by (le) (rate(${HTTP}_bucket{http_route="/pay"}[1m])))`);
    const name = `${HTTP}_bucket`;
    expect(found).toEqual([
      { series: { __name__: name, ...SHOP, le: '0.1' }, trace: 2, span: 2, value: 0.1, atMs: 100 },
      { series: { __name__: name, ...SHOP, le: '1' }, trace: 3, span: 3, value: 0.7, atMs: 700 },
    ]);
  });

  it('are the slowest of each stretch of time, and lie within the range', async () => {
    const { samples, records, ask } = rig();
    addSeries(samples, `${HTTP}_count`, SHOP, []);
    const spans = Array.from({ length: 600 }, (_, at) =>
      http({ trace: at + 1, startMs: NOW - 60_000 + at * 200, durationMs: at % 10 === 3 ? 40 : 10 }),
    );
    records.add('traces', spans);
    const found = (await ask(`rate(${HTTP}_count[1m] offset 5m)`)) as { trace: number; value: number }[];
    expect(found).toHaveLength(60);
    expect(found.every(({ trace, value }) => trace % 10 === 4 && value === 0.04)).toBe(true);
    // A slow request began long before the range that its end lies in.
    records.add('traces', [http({ trace: 999, startMs: NOW - 45_000, durationMs: 15_005 })]);
    const narrow = await ask(`${HTTP}_count`, NOW - 30_000, NOW - 29_989);
    expect(narrow).toMatchObject([
      { trace: 999, atMs: -29_995 },
      { trace: 151, atMs: -29_990 },
    ]);
  });

  it('of span metrics have Tempo’s labels', async () => {
    const { samples, records, ask } = rig();
    const labels = {
      service: 'shop',
      span_name: 'SELECT a',
      span_kind: 'SPAN_KIND_CLIENT',
      status_code: 'STATUS_CODE_ERROR',
    };
    addSeries(samples, 'traces_spanmetrics_latency_bucket', labels, ['0.002', '+Inf']);
    const given = { span: 1, startMs: NOW, durationMs: 1, kind: 'client', name: 'SELECT a' } as const;
    records.add('traces', [
      spanOf({ ...given, trace: 1 }),
      spanOf({ ...given, trace: 2, error: true }),
      spanOf({ ...given, trace: 3, error: true, name: 'SELECT b' }),
    ]);
    const found = await ask('traces_spanmetrics_latency_bucket{service="shop"}');
    expect(found).toMatchObject([{ trace: 2, series: { ...labels, le: '0.002' } }]);
  });

  it('take the most specific series that a span fits, whatever its values hold', async () => {
    const { samples, records, ask } = rig();
    addSeries(samples, `${HTTP}_count`, { job: 'shop', http_route: 'a\nb' }, []);
    addSeries(samples, `${HTTP}_count`, { job: 'shop', http_route: 'a\nb', url_scheme: 'https' }, []);
    addSeries(samples, `${HTTP}_count`, { job: 'eu/shop', instance: 'i1' }, []);
    const attributes = { 'http.request.method': 'GET', 'http.route': 'a\nb' };
    const given = { span: 1, startMs: NOW, durationMs: 1, kind: 'server' } as const;
    const placed = spanOf({ ...given, trace: 3, attributes: { 'http.request.method': 'GET' } });
    const resource = { attributes: { 'service.name': 'shop', 'service.namespace': 'eu', 'service.instance.id': 'i1' } };
    records.add('traces', [
      spanOf({ ...given, trace: 1, attributes }),
      spanOf({ ...given, trace: 2, attributes: { ...attributes, 'url.scheme': 'https' } }),
      { ...placed, resource },
    ]);
    const found = (await ask(`${HTTP}_count`)) as { trace: number; series: Record<string, string> }[];
    const byTrace = new Map(found.map(({ trace, series }) => [trace, series]));
    expect(byTrace.get(1)).not.toHaveProperty('url_scheme');
    expect(byTrace.get(2)).toMatchObject({ url_scheme: 'https' });
    expect(byTrace.get(3)).toMatchObject({ job: 'eu/shop', instance: 'i1' });
  });

  it('give way to those that were sent, and are not asked for other metrics', async () => {
    const { samples, records, sent, ask } = rig();
    addSeries(samples, `${HTTP}_count`, SHOP, []);
    addSeries(samples, 'queue_size', { job: 'shop' }, []);
    records.add('traces', [http({ trace: 1, startMs: NOW, durationMs: 5 })]);
    const labels = Labels.from({ __name__: `${HTTP}_count`, ...SHOP });
    const exemplar = { labels: Labels.from({ trace_id: 'ff', span_id: 'ff' }), value: 9, timestampMs: NOW };
    sent.push({ labels, exemplars: [exemplar] });
    expect(await ask(`${HTTP}_count + queue_size`)).toMatchObject([{ trace: 255 }]);
    sent.length = 0;
    expect(await ask('queue_size')).toEqual([]);
    expect(await ask(`{job="shop"}`)).toEqual([]);
    expect(await ask(`${HTTP}_count{job="absent"}`)).toEqual([]);
  });

  it('are bounded', async () => {
    const { samples, records, ask } = rig();
    const routes = Array.from({ length: 200 }, (_, at) => `/r${at}`);
    for (const route of routes) addSeries(samples, `${HTTP}_count`, { job: 'shop', http_route: route }, []);
    const spans = routes.flatMap((route, at) =>
      Array.from({ length: 60 }, (_, slot) =>
        spanOf({
          trace: at * 60 + slot + 1,
          span: 1,
          startMs: NOW - 60_000 + slot * 2_000,
          durationMs: 1,
          kind: 'server',
          attributes: { 'http.request.method': 'GET', 'http.route': route },
        }),
      ),
    );
    records.add('traces', spans);
    expect(await ask(`${HTTP}_count`)).toHaveLength(6_000);
  });
});

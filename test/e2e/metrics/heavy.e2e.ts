/**
 * A monitor under expensive queries and hostile bodies: rules run each second, ingest loses nothing, memory is bounded, and
 * every hostile input gets its documented answer. Over real sockets against a separate process.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeProto } from '../../support/telemetry/otlp-proto.ts';
import { freshDir } from '../../support/program.ts';
import { remoteWrite, writeBody, postWrite } from '../../support/telemetry/remote-write.ts';
import { startMonitorProcess, type MonitorProcess } from '../../support/programs/monitor-process.ts';
import { until } from '../../support/until.ts';
import { json } from '../../support/programs/vitrine-process.ts';
import { quantile } from '../../support/quantile.ts';

const RULES = `groups:
  - name: ticks
    interval: 1s
    rules:
      - { record: tick, expr: vector(time()) }
      - { alert: Always, expr: sum(load) >= 0, labels: { severity: info } }
`;

const HEAVY: readonly (readonly [expr: string, steps: number])[] = [
  ['{__name__=~".*.*.*.*.*.*.*x"}', 1_000],
  ['{__name__=~"(a+)+$"}', 1_000],
  ['max_over_time(rate(load[1m])[1h:1s])', 60],
  ['avg_over_time(sum_over_time(load[30s])[1h:1s])', 60],
  ['sum(rate(load[1d]))', 10_000],
  ['quantile_over_time(0.9, load[1h])', 5_000],
  ['count_values("v", load)', 10_000],
  ['sort_desc(topk(100, load))', 10_000],
  ['load * on () group_left () load', 100],
  ['label_replace(load, "long", "$1$1$1$1$1$1$1$1$1$1", "i", "(.*)")', 10_000],
  ['sum by (i)(load) / ignoring (i) group_left () sum(load)', 10_000],
  ['stddev_over_time(load[1h])', 5_000],
];

const load = (atMs: number, v: number): { labels: Record<string, string>; samples: { t: number; v: number }[] }[] =>
  Array.from({ length: 500 }, (_, i) => ({
    labels: { __name__: 'load', i: String(i), instance: `10.0.0.${i % 20}` },
    samples: [{ t: atMs, v: v + i }],
  }));

async function query<T>(monitor: MonitorProcess, expr: string, atMs: number): Promise<T> {
  const body = new URLSearchParams({ query: expr, time: String(atMs / 1_000) });
  return (await json<{ data: { result: T } }>(`${monitor.url}/api/v1/query`, { method: 'POST', body })).data.result;
}

describe('a monitor under heavy queries', () => {
  it('misses no rule tick and loses no sample', async () => {
    const dir = freshDir();
    const rules = path.join(dir, 'rules.yaml');
    writeFileSync(rules, RULES);
    await using monitor = await startMonitorProcess({
      built: true,
      dir,
      config: `alerts: [{ file: ${JSON.stringify(rules)} }]\n`,
    });
    const startMs = Date.now();
    for (let k = 1; k <= 60; k += 1) await remoteWrite(monitor.url, load(startMs - 3_600_000 + k * 55_000, k));
    const done = new AbortController();
    const answers = new Map<number, number>();
    const asking = HEAVY.map(async ([expr, steps]) => {
      while (!done.signal.aborted) {
        const end = Date.now() / 1_000;
        const form = {
          query: expr,
          start: String(end - 3_600),
          end: String(end),
          step: String(3_600 / steps),
          timeout: '10s',
        };
        const response = await fetch(`${monitor.url}/api/v1/query_range`, {
          method: 'POST',
          body: new URLSearchParams(form),
        });
        await response.arrayBuffer();
        answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
      }
    });
    const sent: number[] = [];
    const lags: number[] = [];
    const fromMs = Date.now();
    await until(
      async () => {
        const atMs = Date.now();
        if (atMs > (sent.at(-1) ?? 0)) {
          await remoteWrite(monitor.url, load(atMs, sent.length));
          sent.push(atMs);
        }
        const before = performance.now();
        await (await fetch(`${monitor.url}/livez`)).arrayBuffer();
        lags.push(performance.now() - before);
        return atMs - fromMs > 20_000 || undefined;
      },
      120_000,
      () => 'ingest did not go on',
    );
    done.abort();
    await Promise.all(asking);
    const endMs = Date.now();
    const windowMs = endMs - fromMs + 1;
    for (const { value } of await query<{ value: [number, string] }[]>(
      monitor,
      `count_over_time(load[${windowMs}ms])`,
      endMs,
    ))
      expect(value[1]).toBe(String(sent.length));
    const [{ values }] = await query<{ values: [number, string][] }[]>(monitor, `tick[${windowMs}ms]`, endMs);
    const ticks = values.map(([seconds]) => seconds);
    const missed = ticks.slice(1).reduce((sum, at, i) => sum + Math.max(0, Math.round(at - ticks[i]) - 1), 0);
    console.log(
      `${ticks.length} ticks, ${missed} missed; ${sent.length} batches of 500 all kept; heavy answers by status ` +
        `${JSON.stringify([...answers])}; /livez ${quantile(lags, 0.5).toFixed(0)} ms median, ${quantile(lags, 0.99).toFixed(0)} ms p99; ` +
        `${Math.round(monitor.rssBytes() / 2 ** 20)} MB`,
    );
    expect(missed).toBe(0);
    // All queries together have a bound; without it four of these hold a gigabyte.
    expect(monitor.rssBytes() / 2 ** 20).toBeLessThan(600);
    expect(ticks.length).toBeGreaterThan(15);
    expect([...answers.keys()].every((status) => [200, 422, 503].includes(status))).toBe(true);
  });
});

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const depth = (levels: number): string => '['.repeat(levels);
/** Length-delimited fields nested in one another: AnyValue { array_value { values { … } } }. */
function nested(levels: number): Buffer {
  let inner = Buffer.alloc(0);
  for (let i = 0; i < levels; i += 1) {
    const length: number[] = [];
    for (let rest = inner.length; ; rest = Math.floor(rest / 128)) {
      length.push((rest % 128) + (rest >= 128 ? 128 : 0));
      if (rest < 128) break;
    }
    inner = Buffer.concat([Buffer.from([i % 2 === 0 ? 0x0a : 0x2a, ...length]), inner]);
  }
  return inner;
}
const point = (timeUnixNano: string, name = 'hostile', attributes: object[] = []): Buffer =>
  encodeProto('ExportMetrics', {
    resourceMetrics: [
      {
        resource: {},
        scopeMetrics: [{ metrics: [{ name, gauge: { dataPoints: [{ timeUnixNano, asDouble: 1, attributes }] } }] }],
      },
    ],
  });

const PROTO = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const GZIP = { ...PROTO, 'content-encoding': 'gzip' };
const WRITE = { ...PROTO, 'content-encoding': 'snappy' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

type Row = readonly [
  name: string,
  at: 'otlp' | 'write' | 'query',
  headers: Record<string, string>,
  body: () => Buffer | string,
  status: readonly number[],
];

const ROWS: readonly Row[] = [
  ['a declared length of 2 GB', 'otlp', PROTO, () => bytes('0a ffffffff07 00'), [400]],
  ['protobuf 10,000 deep', 'otlp', PROTO, () => nested(10_000), [200, 400]],
  ['a truncated varint', 'otlp', PROTO, () => bytes('0a ff'), [400]],
  ['a wrong wire type', 'otlp', PROTO, () => bytes('0b 01'), [400]],
  ['unknown fields', 'otlp', PROTO, () => bytes('f2 3f 03 616263'), [200]],
  ['random bytes', 'otlp', PROTO, () => createHash('sha512').update('x').digest(), [400]],
  ['100,000 brackets', 'otlp', JSON_TYPE, () => depth(100_000), [400]],
  ['a lone surrogate', 'otlp', JSON_TYPE, () => '{"resourceMetrics":[{"schemaUrl":"\\ud800"}]}', [200, 400]],
  ['NaN and comments', 'otlp', JSON_TYPE, () => '{"resourceMetrics":NaN} // x', [400]],
  ['a gzip bomb', 'otlp', GZIP, () => gzipSync(Buffer.alloc(128 * 1024 ** 2)), [413]],
  ['gzip in gzip', 'otlp', GZIP, () => gzipSync(gzipSync(point('1'))), [400]],
  ['three codings', 'otlp', { ...PROTO, 'content-encoding': 'gzip, gzip, gzip' }, () => point('1'), [415]],
  ['an unknown coding', 'otlp', { ...PROTO, 'content-encoding': 'br2' }, () => point('1'), [415]],
  ['a snappy head of 2 GB', 'write', WRITE, () => bytes('ffffffff07 00'), [400, 413]],
  ['snappy of nothing', 'write', WRITE, () => Buffer.alloc(0), [400, 204]],
  ['time 0', 'otlp', PROTO, () => point('0'), [200]],
  ['a time of milliseconds', 'otlp', PROTO, () => point(String(Date.now())), [200]],
  ['a time in a day', 'otlp', PROTO, () => point(`${Date.now() + 86_400_000}000000`), [200]],
  ['the last time there is', 'otlp', PROTO, () => point('9223372036854775807'), [200]],
  [
    'a million users',
    'write',
    WRITE,
    () =>
      writeBody(
        Array.from({ length: 20_000 }, (_, i) => ({
          labels: { __name__: 'bomb', user: `u${i}` },
          samples: [{ t: Date.now(), v: 1 }],
        })),
      ),
    [204],
  ],
  [
    'a label of 1 MB',
    'write',
    WRITE,
    () => writeBody([{ labels: { __name__: 'wide', a: 'x'.repeat(1_000_000) }, samples: [{ t: Date.now(), v: 1 }] }]),
    [400],
  ],
  [
    '__proto__ as a label',
    'otlp',
    PROTO,
    () => point(`${Date.now()}000000`, 'proto', [{ key: '__proto__', value: { stringValue: 'x' } }]),
    [200],
  ],
  ['parentheses', 'query', FORM, () => `query=${'('.repeat(10_000)}1${')'.repeat(10_000)}`, [400, 422]],
  ['ten years by the second', 'query', FORM, () => `query=${encodeURIComponent('load[10y:1s]')}`, [200, 422]],
  [
    'a regular expression that repeats',
    'query',
    FORM,
    () => `query=${encodeURIComponent('{a=~"(a{1000}){1000}"}')}`,
    [400, 422],
  ],
  ['everything', 'query', FORM, () => `query=${encodeURIComponent('{__name__=~".+"}')}`, [200]],
  ['a query of 2 MB', 'query', FORM, () => `query=${'a'.repeat(2_000_000)}`, [413]],
  ['a closing quote', 'query', FORM, () => `query=${encodeURIComponent('up{x=""} or up{x="}')}`, [400]],
];

describe('hostile input over sockets', () => {
  it('gets its documented answer, and memory is bounded', async () => {
    await using monitor = await startMonitorProcess({ built: true });
    const paths = {
      otlp: `${monitor.otlpHttp}/v1/metrics`,
      write: `${monitor.url}/api/v1/write`,
      query: `${monitor.url}/api/v1/query`,
    };
    const ask = async ([name, at, headers, body, expected]: Row): Promise<void> => {
      const sent = body();
      const response = await fetch(paths[at], {
        method: 'POST',
        headers,
        body: typeof sent === 'string' ? sent : Uint8Array.from(sent),
      });
      const text = await response.text();
      expect([name, expected.includes(response.status) ? expected : response.status, text.slice(0, 200)]).toEqual([
        name,
        expected,
        expect.any(String),
      ]);
      expect(text).not.toMatch(/\bat .*\.ts:\d+/);
    };
    for (const row of ROWS) await ask(row);
    const before = monitor.rssBytes();
    for (let round = 0; round < 5; round += 1) for (const row of ROWS) await ask(row);
    const grown = (monitor.rssBytes() - before) / 2 ** 20;
    console.log(`${ROWS.length} hostile inputs six times over: ${grown.toFixed(0)} MB more than after the first time`);
    expect(grown).toBeLessThan(160);
    const written = await postWrite(
      monitor.url,
      writeBody([{ labels: { __name__: 'after' }, samples: [{ t: Date.now(), v: 1 }] }]),
    );
    expect(written.status).toBe(204);
    const names = await json<{ data: string[] }>(`${monitor.url}/api/v1/label/__name__/values?match[]=after`);
    expect(names.data).toEqual(['after']);
    const series = await query<{ value: [number, string] }[]>(monitor, 'count(bomb)', Date.now());
    expect(Number(series[0].value[1])).toBeLessThanOrEqual(10_001);
  });
});

/**
 * What the store costs: `node test/bench/store-ingest.ts [ingest|bytes|live|decode]`, all of them without an argument.
 * Prints one JSON line each. CPU time of this process, so other work on the machine counts little.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import { Labels } from '../../src/model/labels.ts';
import { chunkOf, decodeChunk } from '../../src/monitor/store/codec/chunk-codec.ts';
import { Columns } from '../../src/monitor/store/codec/columns.ts';
import { openSampleStore } from '../../src/monitor/store/open-sample-store.ts';
import type { SampleStore } from '../../src/monitor/store/sample-store.ts';

const START = 1_700_000_000_000;
const random = seededRandom(1);

function open(testMode: boolean): { store: SampleStore; dir: string } {
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-bench-'));
  const compileMatcher = (): (() => boolean) => () => true;
  return { store: openSampleStore({ dir, compileMatcher, testMode }), dir };
}

async function end(store: SampleStore, dir: string): Promise<void> {
  await store.close();
  rmSync(dir, { recursive: true });
}

function seriesOf(store: SampleStore, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) =>
    store.resolve(
      Labels.from({
        __name__: `metric_${i % 50}_total`,
        job: 'api',
        instance: `10.0.0.${i % 20}:8080`,
        http_route: `/route/${i % 200}`,
        http_response_status_code: String(200 + (i % 5)),
        shard: String(i),
      }),
    ),
  );
}

const cpuSeconds = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

const print = (what: Record<string, unknown>): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

/** Whole appends, chunks and their deletion included: 10,000 series, one tick after the other. */
async function ingest(): Promise<void> {
  const { store, dir } = open(true);
  const [series, ticks] = [10_000, 1_500];
  const refs = seriesOf(store, series);
  const [t, v] = [new Float64Array(series), new Float64Array(series)];
  const since = process.cpuUsage();
  let longestCpuMs = 0;
  for (let k = 0; k < ticks; k += 1) {
    t.fill(START + k * 1_000);
    for (let i = 0; i < series; i += 1) v[i] += (i * 7 + k * 3) % 13;
    const before = process.cpuUsage();
    await store.append({ count: series, refs, t, v });
    if (k > 0) longestCpuMs = Math.max(longestCpuMs, cpuSeconds(before) * 1_000);
  }
  const peakRssMb = Math.round(process.resourceUsage().maxRSS / 1024);
  const perSecond = Math.round((series * ticks) / cpuSeconds(since));
  const before = performance.now();
  const found = await store.select([{ name: 'job', op: '=', value: 'api' }], START, START + ticks * 1_000);
  const read = found.reduce((sum, { samples }) => sum + samples.t.length, 0);
  const selectedPerSecond = Math.round((read / (performance.now() - before)) * 1_000);
  print({
    bench: 'store-ingest',
    series,
    samplesPerCpuSecond: perSecond,
    longestAppendCpuMs: Math.round(longestCpuMs),
    peakRssMb,

    selectedPerSecond,
  });
  await end(store, dir);
}

type Value = (before: number, i: number) => number;

const counter: Value = (before) => before + Math.floor(random() * 100);
const gauge: Value = (before) => Math.round(Math.min(10_000, Math.max(0, before + (random() - 0.5) * 100)) * 100) / 100;
const noise: Value = () => random() * 1_000;

/** Bytes of the day files, index and labels included, per sample. */
async function bytes(name: string, jitterMs: number, valueOf: (i: number) => Value): Promise<void> {
  const { store, dir } = open(true);
  const [series, ticks] = [1_000, 1_000];
  const refs = seriesOf(store, series);
  const [t, v] = [new Float64Array(series), new Float64Array(series)];
  for (let k = 0; k < ticks; k += 1) {
    t.fill(START + k * 5_000 + Math.floor(random() * (jitterMs + 1)));
    for (let i = 0; i < series; i += 1) v[i] = valueOf(i)(v[i], i);
    await store.append({ count: series, refs, t, v });
  }
  await store.flush();
  await store.close();
  const files = readdirSync(dir).filter((file) => /^samples-.*\.db$/.test(file));
  const size = files.reduce((sum, file) => sum + statSync(path.join(dir, file)).size, 0);
  print({ bench: 'store-bytes', data: name, bytesPerSample: Number((size / series / ticks).toFixed(2)) });
  rmSync(dir, { recursive: true });
}

/** 10,000 series at one second on the real clock. */
async function live(seconds: number): Promise<void> {
  const { store, dir } = open(false);
  const series = 10_000;
  const refs = seriesOf(store, series);
  const [t, v] = [new Float64Array(series), new Float64Array(series)];
  const since = process.cpuUsage();
  const started = performance.now();
  let peakRss = 0;
  for (let k = 1; k <= seconds; k += 1) {
    t.fill(Date.now());
    for (let i = 0; i < series; i += 1) v[i] += (i * 7 + k * 3) % 13;
    await store.append({ count: series, refs, t, v });
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
    await time(Math.max(0, started + k * 1_000 - performance.now()));
  }
  const share = cpuSeconds(since) / ((performance.now() - started) / 1_000);
  print({
    bench: 'store-live',
    series,
    seconds,
    cpuShare: Number(share.toFixed(4)),
    peakRssMb: Math.round(peakRss / 2 ** 20),
  });
  await end(store, dir);
}

function decode(name: string, value: Value): void {
  const columns = new Columns(0);
  let v = 0;
  for (let i = 0; i < 480; i += 1)
    columns.push(START + i * 5_000 + Math.floor(random() * 4), (v = value(v, i)), false, 0, undefined);
  const chunk = chunkOf(columns);
  const out = new Columns(0);
  const rounds = 20_000;
  const time = (work: () => void): number => {
    for (let i = 0; i < 2_000; i += 1) work();
    const since = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1) work();
    return Math.round((rounds * columns.count) / cpuSeconds(since));
  };
  const decodedPerSecond = time(() => {
    out.clear();
    decodeChunk(chunk, out);
  });
  print({ bench: 'store-decode', data: name, decodedPerSecond, encodedPerSecond: time(() => void chunkOf(columns)) });
}

const what = process.argv[2];
const wanted = (name: string): boolean => what === undefined || what === name;
if (wanted('ingest')) await ingest();
if (wanted('bytes')) {
  const mixed = [counter, gauge, counter, noise];
  await bytes('mixed, 5 s with 0-3 ms jitter', 3, (i) => mixed[i % 4]);
  await bytes('counters, exact 5 s', 0, () => counter);
  await bytes('counters, 5 s with jitter', 3, () => counter);
  await bytes('two-decimal gauges', 3, () => gauge);
  await bytes('random floats', 3, () => noise);
}
if (wanted('decode')) {
  decode('counter', counter);
  decode('gauge', gauge);
  decode('random', noise);
}
if (wanted('live')) await live(Number(process.argv[3] ?? 30));

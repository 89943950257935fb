/**
 * A look-up of the instrumented memory cache, with span and metrics, against Keyv's default look-up with none: what
 * watching costs compared with what leaving out the serializer saves. `node test/bench/cache.ts [pairs]`; goal 3 ×, gate 1 ×.
 */
import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { Keyv } from 'keyv';
import { systemClock } from '../../src/base/clock.ts';
import { Cache } from '../../src/stack/cache/cache.ts';
import { MemoryStore } from '../../src/stack/cache/store/memory-store.ts';
import { openCells } from '../../src/telemetry/metrics/cells.ts';
import { joinCells } from '../../src/telemetry/metrics/cells-producer.ts';
import { median } from '../support/quantile.ts';

class IdleReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

const KEYS = 10_000;
const LOOKUPS = 40_000;
const pairs = Math.max(15, Number(process.argv[2] ?? 15));

let ended = 0;
const counting: SpanProcessor = {
  onStart() {},
  onEnd() {
    ended += 1;
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};
context.setGlobalContextManager(new AsyncLocalStorageContextManager());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [counting] }));
const reader = joinCells(openCells(systemClock), new IdleReader());
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const entryOf = (i: number) => ({
  id: i,
  name: `account ${i}`,
  owner: `user-${i % 100}`,
  currency: 'EUR',
  tags: ['a', 'b'],
});
const plain = new Keyv();
const store = new MemoryStore({ maxSizeBytes: 64 * 1024 * 1024, maxEntryBytes: 1024 * 1024, clock: systemClock });
const ours = new Cache<ReturnType<typeof entryOf>>({ name: 'bench', store, ttlMs: 0, clock: systemClock });
for (let i = 0; i < KEYS; i += 1) {
  await plain.set(`key-${i}`, entryOf(i));
  await ours.set(`key-${i}`, entryOf(i));
}

async function timed(get: (key: string) => Promise<unknown>): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < LOOKUPS; i += 1) await get(`key-${(i * 7919) % KEYS}`);
  return ((performance.now() - start) / LOOKUPS) * 1000;
}

const request = trace.setSpan(context.active(), trace.getTracer('bench').startSpan('request'));
const keyvUs: number[] = [];
const oursUs: number[] = [];
const ratios: number[] = [];
for (let i = -2; i < pairs; i += 1) {
  const theirs = await timed((key) => plain.get(key));
  const own = await context.with(request, () => timed((key) => ours.get(key)));
  if (i < 0) continue;
  keyvUs.push(theirs);
  oursUs.push(own);
  ratios.push(theirs / own);
}
if (ended < LOOKUPS * pairs) throw new Error(`only ${ended} spans ended: the look-ups were not watched`);
// What was recorded must come out where readers look for it.
const collected = JSON.stringify((await reader.collect()).resourceMetrics.scopeMetrics);
if (!collected.includes('vitrine.cache.lookup.duration')) throw new Error('no duration was recorded');
const figures = {
  keyv_us: Number(median(keyvUs).toFixed(3)),
  ours_us: Number(median(oursUs).toFixed(3)),
  ratio: Number(median(ratios).toFixed(2)),
  ratio_min: Number(Math.min(...ratios).toFixed(2)),
  ratio_max: Number(Math.max(...ratios).toFixed(2)),
  pairs,
};
process.stdout.write(`${JSON.stringify(figures)}\n`);
if (figures.ratio_min < 1) process.exitCode = 5;

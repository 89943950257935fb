/**
 * Ten thousand spans, log records and metric points a second, sent by telemetrygen straight and through the Collector: all of
 * it is counted here or was refused with the status and Retry-After of the specification. Nothing is lost silently.
 * Five seconds each; VITRINE_LONG=1 makes it thirty.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from '../support/observability-programs.ts';
import { missingPrograms, programPath, startProgram } from '../support/program.ts';
import { until } from '../support/until.ts';
import { json, REPOSITORY, startVitrine, type Vitrine } from '../support/vitrine-process.ts';

const SECONDS = process.env['VITRINE_LONG'] === '1' ? 30 : 5;
const RATE = 10_000;
/** telemetrygen's limiter falls behind on a busy machine; what it made in the end is what counts. */
const ASKED = RATE * 1.6;
const WORKERS = 8;

const SIGNALS = ['traces', 'logs', 'metrics'] as const;
type Signal = (typeof SIGNALS)[number];
const ROADS = ['gRPC', 'HTTP', 'Collector'] as const;
type Road = (typeof ROADS)[number];

interface Sent {
  readonly items: number;
  readonly seconds: number;
  readonly output: string;
}

/** telemetrygen counts what it made; a trace has a span and a child. */
const COUNTED: Readonly<Record<Signal, RegExp>> = {
  traces: /"?traces"?:\s*(\d+)/g,
  logs: /"?logs"?:\s*(\d+)/g,
  metrics: /"?metrics"?:\s*(\d+)/g,
};

/**
 * Without it all points are of one series, many times a millisecond: they differ in value and not in time. One worker, because
 * several overtake each other in one series, and such a point is rightly refused as out of order.
 */
const oneSeriesEach = (road: Road): string[] => [
  '--unique-timeseries',
  '--unique-timeseries-duration',
  '1s',
  '--otlp-metric-name',
  `gen_${road.toLowerCase()}`,
];

async function send(signal: Signal, endpoint: string, http: boolean, more: readonly string[] = []): Promise<Sent> {
  const started = performance.now();
  const workers = more.includes('--unique-timeseries') ? 1 : WORKERS;
  const items = signal === 'traces' ? ASKED / 2 : ASKED;
  await using generator = startProgram(programPath('telemetrygen') ?? '', [
    signal,
    '--otlp-endpoint',
    endpoint,
    '--otlp-insecure',
    '--workers',
    String(workers),
    '--rate',
    String(items / workers),
    '--duration',
    `${SECONDS}s`,
    '--batch-size',
    '200',
    ...(http ? ['--otlp-http'] : []),
    ...more,
  ]);
  const code = await generator.exited;
  const output = generator.output();
  if (code !== 0) throw new Error(`telemetrygen ended with ${code}\n${output}`);
  const made = [...output.matchAll(COUNTED[signal])].reduce((sum, [, count]) => sum + Number(count), 0);
  return {
    items: signal === 'traces' ? made * 2 : made,
    seconds: (performance.now() - started) / 1_000,
    output,
  };
}

describe.skipIf(missingPrograms('telemetry at 10,000 a second', 'otelcol', 'telemetrygen').length > 0)(
  '10,000 a second',
  () => {
    let vitrine: Vitrine;
    let collector: Collector;

    beforeAll(async () => {
      vitrine = await startVitrine({
        env: { VITRINE_STORE__MAX_SERIES_PER_METRIC: '100000' },
        command: ['start', '--role', 'monitor'],
        ready: false,
      });
      await until(
        async () => (await fetch(`${vitrine.monitor}/readyz`)).ok || undefined,
        30_000,
        () => vitrine.output(),
      );
      const overlay = readFileSync(path.join(REPOSITORY, 'otel-collector/vitrine.yaml'), 'utf8');
      collector = await startCollector([overlay.replace(/\$\{env:VITRINE_OTLP[^}]*\}/, vitrine.otlpHttp)]);
    }, 60_000);
    afterAll(async () => {
      await collector?.[Symbol.asyncDispose]();
      await vitrine?.[Symbol.asyncDispose]();
    });

    /** What the monitor says it took and refused of a signal by OTLP, from its own counters. */
    const counted = async (signal: Signal): Promise<{ accepted: number; rejected: number }> => {
      const page = await (await fetch(`${vitrine.monitor}/metrics`)).text();
      const sum = (name: string, more: string): number =>
        page
          .split('\n')
          .filter((line) => line.startsWith(name) && line.includes(`signal="${signal}"`) && line.includes(more))
          .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
      return {
        accepted: sum('vitrine_ingest_items_total{', 'road="otlp_'),
        rejected: sum('vitrine_ingest_rejected_total{', ''),
      };
    };

    /** The page of counters is a second old at most: two of them that agree are at rest. */
    const settled = async (signal: Signal): ReturnType<typeof counted> => {
      let last = await counted(signal);
      let since = performance.now();
      return until(
        async () => {
          const now = await counted(signal);
          if (now.accepted !== last.accepted || now.rejected !== last.rejected) since = performance.now();
          last = now;
          return performance.now() - since > 2_000 ? now : undefined;
        },
        30_000,
        () => 'the counters do not come to rest',
      );
    };

    const endpointOf = (road: Road): string => {
      if (road === 'gRPC') return vitrine.otlpGrpc.replace('http://', '');
      return road === 'HTTP' ? vitrine.otlpHttp.replace('http://', '') : collector.otlpGrpc;
    };

    describe.each(ROADS)('by %s', (road) => {
      it.each(SIGNALS)(
        'keeps %s',
        async (signal) => {
          const before = await settled(signal);
          const more = signal === 'metrics' ? oneSeriesEach(road) : [];
          const sent = await send(signal, endpointOf(road), road === 'HTTP', more);
          expect(sent.items, sent.output).toBeGreaterThan(RATE * SECONDS * 0.2);
          let last = { accepted: 0, rejected: 0 };
          await until(
            async () => {
              const now = await counted(signal);
              last = { accepted: now.accepted - before.accepted, rejected: now.rejected - before.rejected };
              return last.accepted + last.rejected >= sent.items || undefined;
            },
            30_000,
            () => `${sent.items} were sent, ${JSON.stringify(last)} counted\n${collector.output()}`,
          );
          console.log(
            `${signal} by ${road}: ${sent.items} in ${sent.seconds.toFixed(1)} s, ${last.accepted} accepted, ${last.rejected} refused`,
          );
          expect(last).toEqual({ accepted: sent.items, rejected: 0 });
        },
        SECONDS * 1_000 + 90_000,
      );
    });

    it(
      'says what it refuses, and counts that too',
      async () => {
        const before = await settled('metrics');
        const sent = await send('metrics', endpointOf('gRPC'), false, ['--allow-export-failures']);
        expect(sent.output).toMatch(/refused \(duplicate\).*metric data points rejected/);
        await until(
          async () => {
            const now = await counted('metrics');
            return now.accepted - before.accepted + now.rejected - before.rejected >= sent.items || undefined;
          },
          30_000,
          () => `${sent.items} were sent`,
        );
        const now = await counted('metrics');
        expect(now.rejected).toBeGreaterThan(before.rejected);
        expect(now.accepted - before.accepted + now.rejected - before.rejected).toBe(sent.items);
      },
      SECONDS * 1_000 + 60_000,
    );

    it('still answers queries', async () => {
      const { status } = await json<{ status: string }>(`${vitrine.monitor}/api/v1/query?query=count(gen)`);
      expect(status).toBe('success');
    });
  },
);

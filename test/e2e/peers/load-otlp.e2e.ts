/**
 * Ten thousand spans, ten thousand log records and ten thousand metric points a second, all at once and for thirty seconds, sent
 * by telemetrygen straight and through the Collector. Each of them is counted as accepted or was refused by name to its sender:
 * the two counts make what was sent. The last test cuts the room until whole requests are refused.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCollector, type Collector } from '../../support/programs/observability-programs.ts';
import { missingPrograms } from '../../support/program.ts';
import {
  generate,
  METRIC_SERIES,
  SIGNALS,
  sumOf,
  type Sent,
  type Signal,
} from '../../support/programs/telemetry-generator.ts';
import { until } from '../../support/until.ts';
import { json, REPOSITORY, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

const SECONDS = 30;
const RATE = 10_000;
/** What is asked for: a generator that has to wait for a processor does not make up for it. */
const ASKED = RATE * 1.25;
const ROADS = ['gRPC', 'HTTP', 'Collector'] as const;
type Road = (typeof ROADS)[number];

interface Counted {
  readonly accepted: number;
  readonly rejected: number;
}

/** The page of counters of the monitor. */
const pageOf = async (vitrine: Vitrine): Promise<string[]> =>
  (await (await fetch(`${vitrine.monitor}/metrics`)).text()).split('\n');

const sumLines = (page: readonly string[], name: string, ...parts: string[]): number =>
  page
    .filter((line) => line.startsWith(`${name}{`) && parts.every((part) => line.includes(part)))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);

/** What the monitor says it took by OTLP and refused of a signal. */
async function counted(vitrine: Vitrine, signal: Signal): Promise<Counted> {
  const page = await pageOf(vitrine);
  return {
    accepted: sumLines(page, 'vitrine_ingest_items_total', `signal="${signal}"`, 'road="otlp_'),
    rejected: sumLines(page, 'vitrine_ingest_rejected_total', `signal="${signal}"`),
  };
}

/** The page of counters is a second old at most: one that does not change for two seconds is at rest. */
async function settled(vitrine: Vitrine, signal: Signal): Promise<Counted> {
  let last = await counted(vitrine, signal);
  let since = performance.now();
  return until(
    async () => {
      const now = await counted(vitrine, signal);
      if (now.accepted !== last.accepted || now.rejected !== last.rejected) since = performance.now();
      last = now;
      return performance.now() - since > 2_000 ? now : undefined;
    },
    30_000,
    () => `the counters of ${signal} do not come to rest`,
  );
}

/** What was counted since `before`, once it makes what was sent and no more comes. */
async function all(vitrine: Vitrine, signal: Signal, before: Counted, sent: Sent): Promise<Counted> {
  const since = (now: Counted): Counted => ({
    accepted: now.accepted - before.accepted,
    rejected: now.rejected - before.rejected,
  });
  let last = before;
  await until(
    async () => {
      last = since(await counted(vitrine, signal));
      return last.accepted + last.rejected >= sent.items || undefined;
    },
    60_000,
    () => `${sent.items} ${signal} were sent, ${JSON.stringify(last)} counted\n${sent.output.slice(-3_000)}`,
  );
  return since(await settled(vitrine, signal));
}

async function startMonitor(env: Record<string, string> = {}): Promise<Vitrine> {
  const vitrine = await startVitrine({ env, command: ['start', '--role', 'monitor'], ready: false });
  await until(
    async () => (await fetch(`${vitrine.monitor}/readyz`)).ok || undefined,
    30_000,
    () => vitrine.output(),
  );
  return vitrine;
}

/** The Collector with the file that passes everything on to Vitrine. */
function startCollectorFor(vitrine: Vitrine, change = (text: string): string => text): Promise<Collector> {
  const overlay = change(readFileSync(path.join(REPOSITORY, 'otel-collector/vitrine.yaml'), 'utf8'));
  return startCollector([overlay.replaceAll(/\$\{env:VITRINE_OTLP[^}]*\}/g, vitrine.otlpHttp)]);
}

/** host:port where telemetrygen sends. */
function endpointOf(road: Road, vitrine: Vitrine, collector: Collector): string {
  const urls: Readonly<Record<Road, string>> = {
    gRPC: vitrine.otlpGrpc,
    HTTP: vitrine.otlpHttp,
    Collector: collector.otlpGrpc,
  };
  return new URL(urls[road]).host;
}

/** How many points telemetrygen says were refused: it writes what a partial success tells it. */
const told = (sent: Sent): number => sumOf(sent.output, /\((\d+) metric data points rejected\)/g);

describe.skipIf(missingPrograms('telemetry at 10,000 a second', 'otelcol', 'telemetrygen').length > 0)(
  '10,000 a second of each signal',
  () => {
    let vitrine: Vitrine;
    let collector: Collector;

    beforeAll(async () => {
      vitrine = await startMonitor();
      collector = await startCollectorFor(vitrine);
    }, 60_000);
    afterAll(async () => {
      await collector?.[Symbol.asyncDispose]();
      await vitrine?.[Symbol.asyncDispose]();
    });

    it.each(ROADS)(
      'by %s: accepted and refused are what was sent',
      async (road) => {
        const before = await Promise.all(SIGNALS.map((signal) => settled(vitrine, signal)));
        const sent = await Promise.all(
          SIGNALS.map((signal) =>
            generate({
              signal,
              endpoint: endpointOf(road, vitrine, collector),
              http: road === 'HTTP',
              rate: ASKED,
              seconds: SECONDS,
              name: `gen_${road.toLowerCase()}`,
            }),
          ),
        );
        for (const [index, signal] of SIGNALS.entries()) {
          const { accepted, rejected } = await all(vitrine, signal, before[index], sent[index]);
          const { items, seconds } = sent[index];
          const rate = Math.round(items / SECONDS);
          console.log(
            `${signal} by ${road}: ${items} in ${seconds.toFixed(1)} s (${rate}/s), ${accepted} accepted, ${rejected} refused`,
          );
          expect(rate, `${signal} a second`).toBeGreaterThanOrEqual(RATE);
          expect(accepted + rejected).toBe(items);
          // Two points that a late generator made of one series in one millisecond: Prometheus refuses the second one too.
          if (signal !== 'metrics') expect(rejected).toBe(0);
          expect(accepted, `accepted ${signal}`).toBeGreaterThanOrEqual(RATE * SECONDS);
          if (signal === 'metrics' && road !== 'Collector') expect(told(sent[index])).toBe(rejected);
        }
        const reasons = (await pageOf(vitrine)).filter((line) => line.startsWith('vitrine_ingest_rejected_total{'));
        expect(reasons.filter((line) => !line.includes('reason="duplicate"'))).toEqual([]);
      },
      SECONDS * 1_000 + 120_000,
    );

    it('a Collector that keeps logs to itself is found by the count', async () => {
      const mute = (text: string): string => text.replace(/(logs:\n\s+exporters: )\[.*\]/, '$1[debug]');
      await using silent = await startCollectorFor(vitrine, mute);
      const before = await settled(vitrine, 'logs');
      const sent = await generate({
        signal: 'logs',
        endpoint: endpointOf('Collector', vitrine, silent),
        rate: 1_000,
        seconds: 2,
      });
      expect(sent.items).toBeGreaterThan(1_000);
      expect((await settled(vitrine, 'logs')).accepted).toBe(before.accepted);
    }, 60_000);

    it('still answers queries, with all of the series', async () => {
      const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
        `${vitrine.monitor}/api/v1/query?query=${encodeURIComponent('count(last_over_time({__name__=~"gen_.*"}[10m]))')}`,
      );
      expect(Number(data.result[0]?.value[1])).toBe(METRIC_SERIES * ROADS.length);
    });
  },
);

describe.skipIf(missingPrograms('more than there is room for', 'otelcol', 'telemetrygen').length > 0)(
  'more than there is room for',
  () => {
    /** Of one sender, which is half of all: more than a batch of the Collector, which is the largest request. */
    const ROOM_KIB = 1_024;
    let vitrine: Vitrine;
    let collector: Collector;
    beforeAll(async () => {
      vitrine = await startMonitor({ VITRINE_INGEST__IN_FLIGHT: `${2 * ROOM_KIB}KiB` });
      collector = await startCollectorFor(vitrine);
    }, 60_000);
    afterAll(async () => {
      await collector?.[Symbol.asyncDispose]();
      await vitrine?.[Symbol.asyncDispose]();
    });

    const refusedRequests = async (): Promise<number> =>
      sumLines(await pageOf(vitrine), 'vitrine_ingest_requests_refused_total', 'code="overloaded"');

    const record = { timeUnixNano: String(BigInt(Date.now()) * 1_000_000n), body: { stringValue: 'x'.repeat(1_000) } };
    /** As many records as leave some kilobytes of the room. */
    const RECORDS = Math.floor((ROOM_KIB * 1_024 - 8_192) / (JSON.stringify(record).length + 1));
    const body = JSON.stringify({
      resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: RECORDS }, () => record) }] }],
    });

    /** A sender that is slow: it holds nearly all of the room until `finish`, which resolves with its status. */
    async function holdTheRoom(): Promise<{ finish: () => Promise<number | undefined> }> {
      const bytes = Buffer.from(body);
      const slow = request(`${vitrine.otlpHttp}/v1/logs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': String(bytes.length) },
      });
      await new Promise<void>((resolve) => void slow.write(bytes.subarray(0, -1), () => resolve()));
      return {
        finish: async () => {
          const answered = once(slow, 'response') as Promise<[IncomingMessage]>;
          slow.end(bytes.subarray(-1));
          const [response] = await answered;
          response.resume();
          return response.statusCode;
        },
      };
    }

    it('is refused with 503 and Retry-After, counted, and taken when it comes again', async () => {
      const before = await settled(vitrine, 'logs');
      const refusedBefore = await refusedRequests();
      const send = (): Promise<Response> =>
        fetch(`${vitrine.otlpHttp}/v1/logs`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        });
      const slow = await holdTheRoom();
      let refused = 0;
      await until(
        async () => {
          const answer = await send();
          if (answer.status === 200) return undefined;
          expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
          refused += 1;
          return refused === 20 || undefined;
        },
        20_000,
        () => 'nothing is refused',
      );
      const takenBefore = (await settled(vitrine, 'logs')).accepted - before.accepted;
      expect(await slow.finish()).toBe(200);
      for (let again = 0; again < refused; again += 1) expect((await send()).status).toBe(200);
      const sent = { items: takenBefore + (1 + refused) * RECORDS, seconds: 0, output: '' };
      expect(await all(vitrine, 'logs', before, sent)).toEqual({ accepted: sent.items, rejected: 0 });
      await until(
        async () => (await refusedRequests()) - refusedBefore === refused || undefined,
        10_000,
        () => `${refused} requests were refused`,
      );
    }, 60_000);

    it.each(ROADS)(
      'telemetrygen by %s keeps and repeats it: nothing is lost',
      async (road) => {
        const before = await settled(vitrine, 'logs');
        const refusedBefore = await refusedRequests();
        const slow = await holdTheRoom();
        const endpoint = endpointOf(road, vitrine, collector);
        const sending = generate({ signal: 'logs', endpoint, http: road === 'HTTP', rate: RATE, seconds: 3 });
        await until(
          async () => (await refusedRequests()) > refusedBefore + 3 || undefined,
          20_000,
          () => 'nothing is refused',
        );
        expect(await slow.finish()).toBe(200);
        const made = await sending;
        const sent = { ...made, items: made.items + RECORDS };
        expect(await all(vitrine, 'logs', before, sent)).toEqual({ accepted: sent.items, rejected: 0 });
      },
      90_000,
    );
  },
);

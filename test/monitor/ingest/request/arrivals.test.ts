/** The order in which metrics requests of one sender take effect, over real sockets. */
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { ingestHttp } from '../../../../src/monitor/ingest/http.ts';
import { Arrivals } from '../../../../src/monitor/ingest/request/arrivals.ts';
import type { SampleBatch } from '../../../../src/model/ports.ts';
import { NOW_MS, ingestRig } from '../../../support/telemetry/ingest-bench.ts';

const point = (series: number, ms: number, value: number): object => ({
  timeUnixNano: `${ms}000000`,
  asDouble: value,
  attributes: [{ key: 'n', value: { intValue: series } }],
});
const gauge = (...dataPoints: object[]): string =>
  JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'g', gauge: { dataPoints } }] }] }] });
/** More than a part, with the series that both requests have at its end. */
const LARGE = gauge(...Array.from({ length: 12_001 }, (_, i) => point(12_000 - i, NOW_MS - 2_000, 1)));
const SMALL = gauge(point(0, NOW_MS - 1_000, 2));

describe('metrics requests of one sender', () => {
  it.each(['identity', 'gzip'])('a later one does not go past the parts of a larger one (%s)', async (coding) => {
    const rig = ingestRig();
    const handle = ingestHttp({ intake: rig.intake, logger: silentLogger });
    const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let requests = 0;
    const server = createServer((request: IncomingMessage, response) => {
      const own = arrived[requests];
      requests += 1;
      request.once('end', () => own.resolve());
      void handle(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { samples } = rig.sinks;
    const append = samples.append.bind(samples);
    let second: Promise<Response> | undefined;
    const post = (text: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`, {
        method: 'POST',
        body: coding === 'gzip' ? gzipSync(text) : text,
        headers: { 'content-type': 'application/json', 'content-encoding': coding },
      });
    // The first part is stored; the next one waits until the other request has arrived whole.
    samples.append = async (batch: SampleBatch) => {
      second ??= post(SMALL);
      await arrived[1].promise;
      await new Promise((resolve) => setImmediate(resolve));
      return append(batch);
    };
    try {
      const first = await post(LARGE);
      expect([first.status, (await second)?.status]).toEqual([200, 200]);
      expect(samples.of('g{n="0"}').map(({ v }) => v)).toEqual([1, 2]);
      expect(rig.intake.arrivals.senders).toBe(0);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  it('the points of a series in one request are taken in order of time', async () => {
    const rig = ingestRig();
    const metric = (points: [ms: number, value: number][]): Parameters<typeof rig.intake.metrics>[0] => [
      {
        key: '',
        resource: {},
        metrics: [
          {
            kind: 'sum',
            name: 'd',
            unit: '',
            description: '',
            monotonic: true,
            temporality: 1,
            points: points.map(([timeMs, value]) => ({
              key: '',
              attributes: {},
              startMs: timeMs - 10,
              timeMs,
              stale: false,
              exemplars: undefined,
              value,
            })),
          },
        ],
      },
    ];
    const outcome = await rig.intake.metrics(
      metric([
        [NOW_MS - 10, 4],
        [NOW_MS - 30, 1],
        [NOW_MS - 20, 2],
      ]),
      'otlp_http',
    );
    expect(outcome).toEqual({ accepted: 3, rejected: [] });
    expect(rig.sinks.samples.of('d_total').map(({ t, v }) => [t - NOW_MS, v])).toEqual([
      [-30, 1],
      [-20, 3],
      [-10, 7],
    ]);
  });
});

describe('arrivals', () => {
  it('a request that is not whole has no place, and one that leaves early lets the next take effect', async () => {
    const arrivals = new Arrivals();
    const order: string[] = [];
    const slow = arrivals.of('a');
    const [first, second, third] = [arrivals.of('a'), arrivals.of('a'), arrivals.of('a')];
    const other = arrivals.of('b');
    for (const one of [first, second, third]) one.whole();
    const waiting = [
      second.turn().then(() => order.push('second')),
      third.turn().then(() => order.push('third')),
      other.turn(),
    ];
    // Nothing of `a` is done yet, and another sender does not wait for it.
    await waiting[2];
    expect(order).toEqual([]);
    second[Symbol.dispose]();
    await first.turn();
    first[Symbol.dispose]();
    await waiting[1];
    expect(order).toEqual(['second', 'third']);
    third[Symbol.dispose]();
    await slow.turn();
    expect(arrivals.senders).toBe(2);
    for (const one of [slow, other]) one[Symbol.dispose]();
    expect(arrivals.senders).toBe(0);
  });
});

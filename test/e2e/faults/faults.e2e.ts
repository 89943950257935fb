/** Processes are killed, stopped and restarted under load, and no client notices. Signals go to the processes in run.json. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunFile } from '../../../src/app/process/run-file.ts';
import type { LoadResult } from '../../../src/loadtest/result.ts';
import type { Health } from '../../../src/model/health.ts';
import { load } from '../../support/docs/command-line.ts';
import { NO_REDIS, startRedis } from '../../support/programs/redis-server.ts';
import { until } from '../../support/until.ts';
import { json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

const RATE = 150;
const MONITOR_BACK_MS = 5_000;

const runFile = (it: Vitrine): RunFile =>
  JSON.parse(readFileSync(path.join(it.dataDir, 'run.json'), 'utf8')) as RunFile;

async function healthy(it: Vitrine, limitMs = 20_000): Promise<void> {
  await until(
    async () => {
      const { components } = await json<Health>(`${it.balancer}/health`);
      return components['server']?.['upstreams_up'] === 2 || undefined;
    },
    limitMs,
    () => 'not both services are up',
  );
}

const READS = ['accounts', 'balance', 'history'];
const readsOf = ({ operations }: LoadResult) => {
  const reads = READS.map((name) => operations[name]).filter((each) => each !== undefined);
  return {
    requests: reads.reduce((sum, { requests }) => sum + requests, 0),
    failed: reads.reduce((sum, { failed }) => sum + failed, 0),
  };
};
const tell = (what: string, result: LoadResult): void => {
  for (const { operation, at_seconds, latency_ms, outcome } of result.samples.failed)
    console.log(`${what}: ${operation} at ${at_seconds} s failed with ${outcome} after ${latency_ms} ms`);
  console.log(
    `${what}: ${result.totals.requests} requests, ${result.totals.failed} failed ${JSON.stringify(result.errors)}, not sent ${result.totals.not_sent}, p99 ${result.latency_ms?.p99} ms, max ${result.latency_ms?.max} ms`,
  );
};

describe('under load', () => {
  let it: Vitrine;
  beforeAll(async () => {
    it = await startVitrine();
  });
  beforeEach(async () => healthy(it));
  afterAll(async () => it?.[Symbol.asyncDispose]());

  const ask = async (expr: string): Promise<number> =>
    Number(
      (
        await json<{ data: { result: { value: [number, string] }[] } }>(
          `${it.monitor}/api/v1/query?query=${encodeURIComponent(expr)}`,
        )
      ).data.result[0]?.value[1] ?? 0,
    );
  const REQUESTS = 'sum(http_server_request_duration_seconds_count{job="vitrine-balancer"})';
  /** So many requests more have been answered. */
  async function answered(more: number): Promise<void> {
    const before = await ask(REQUESTS);
    await until(
      async () => (await ask(REQUESTS)) >= before + more,
      15_000,
      () => `no ${more} requests in fifteen seconds`,
    );
  }
  const traffic = (seconds: number, rate = RATE) => load({ url: it.balancer, users: 50, rate, duration: seconds });

  test('kill -9 of a service: no GET fails, no POST is sent twice, and the money adds up', async () => {
    const running = traffic(24, 190);
    for (const victim of [0, 1, 0]) {
      await answered(3 * RATE);
      const { pid } = runFile(it).services[victim];
      process.kill(pid, 'SIGKILL');
      await until(
        () => runFile(it).services[victim].pid !== pid || undefined,
        10_000,
        () => 'the service is not started again',
      );
      await healthy(it);
    }
    const result = await running;
    tell('kill -9', result);
    const reads = readsOf(result);
    expect(reads.requests).toBeGreaterThanOrEqual(3_000);
    expect(reads.failed).toBe(0);
    expect(await ask('sum(payments_transactions_total{outcome="replayed"})')).toBe(0);
    expect((await fetch(`${it.balancer}/api/ledger/check`)).status).toBe(200);
  });

  test('a rolling restart of the services by SIGTERM fails nothing at all', async () => {
    const running = traffic(15);
    for (const victim of [0, 1]) {
      // At first every user signs in, which is work for a whole second.
      await answered(2 * RATE);
      const { pid } = runFile(it).services[victim];
      process.kill(pid, 'SIGTERM');
      await until(
        () => runFile(it).services[victim].pid !== pid || undefined,
        15_000,
        () => 'the service is not started again',
      );
      await healthy(it);
    }
    const result = await running;
    tell('rolling restart', result);
    expect(result.totals.failed).toBe(0);
  });

  test('one of two services hangs: no GET fails, and none is slow after five seconds', async () => {
    const writing = traffic(10, 75);
    // Reads of their own as well: beside what is written in vain they would not be among the slowest.
    const url = `${it.balancer}/api/ledger/check`;
    const reading = load({ url, scenario: 'get', users: 25, rate: 75, duration: 10 });
    // What is judged below is judged by the second of the load in which it happened.
    await time(2_000);
    const stoppedAtSeconds = 2;
    const { pid } = runFile(it).services[0];
    process.kill(pid, 'SIGSTOP');
    let results: LoadResult[];
    try {
      results = await Promise.all([writing, reading]);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    for (const result of results) tell('a hung service', result);
    const [written, read] = results;
    // What was written at the service that hangs has no answer; it may even hold the lock of the file both write to.
    expect(readsOf(written).failed).toBe(0);
    expect(read.totals.requests).toBeGreaterThan(500);
    expect(read.totals.failed).toBe(0);
    const late = read.samples.slowest.filter(
      ({ at_seconds, latency_ms }) => at_seconds > stoppedAtSeconds + 5 && latency_ms > 1_000,
    );
    expect(late).toEqual([]);
  });

  test('the monitor stops for five seconds, is killed, and is restarted: traffic is not affected', async () => {
    const { monitorPid = 0 } = runFile(it);
    const running = traffic(10);
    await answered(RATE);
    process.kill(monitorPid, 'SIGSTOP');
    // The test measures how long it is down.
    await time(5_000);
    process.kill(monitorPid, 'SIGCONT');
    await until(
      async () => (await fetch(`${it.monitor}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok || undefined,
      MONITOR_BACK_MS,
      () => 'the monitor does not answer after it went on',
    );
    process.kill(monitorPid, 'SIGKILL');
    const began = performance.now();
    await until(
      async () => {
        if (runFile(it).monitorPid === monitorPid) return undefined;
        return (await fetch(`${it.monitor}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok || undefined;
      },
      MONITOR_BACK_MS,
      () => 'the monitor does not come back',
    );
    console.log(`the monitor was back ${Math.round(performance.now() - began)} ms after kill -9`);
    const result = await running;
    tell('no monitor', result);
    expect(result.totals.failed).toBe(0);
    await until(
      async () => (await ask(REQUESTS)) > 0 || undefined,
      5_000,
      () => 'the monitor that came back knows nothing',
    );
  });
});

describe.skipIf(NO_REDIS !== undefined)('with its cache in Redis', () => {
  test('Redis is killed under load and comes back: nothing fails', async () => {
    await using redis = await startRedis();
    await using it = await startVitrine({ env: { VITRINE_CACHE__URL: redis.url } });
    await healthy(it);
    const running = load({ url: it.balancer, users: 50, rate: RATE, duration: 8 });
    await until(
      async () => (await (await fetch(`${it.monitor}/metrics`)).text()).includes('vitrine_cache_lookups_total{'),
      10_000,
      () => 'no look-ups in the cache',
    );
    await redis.kill();
    await until(
      async () => (await json<Health>(`${it.balancer}/health`)).components['cache']?.status === 'degraded' || undefined,
      5_000,
      () => 'nobody is told that the cache is down',
    );
    await using again = await startRedis(redis.port);
    const result = await running;
    tell('Redis killed', result);
    expect(result.totals.failed).toBe(0);
    await until(
      async () => (await json<Health>(`${it.balancer}/health`)).components['cache']?.status === 'healthy' || undefined,
      10_000,
      () => `the cache does not find back to ${again.url}`,
    );
  });
});

/** A drill causes an alert within seconds, in every output, with a trace; and each drill ends by itself. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Health } from '../../../src/model/health.ts';
import type { AlertsAnswer, TraceAnswer, TracesAnswer } from '../../../src/monitor/api/contract.ts';
import { vitrine } from '../../support/docs/command-line.ts';
import { startProgram } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json, MAIN, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

/** The rules are looked at each second, and a second of slow answers must be there to be seen. */
const FIRE_LIMIT_MS = 2_000;
/** Until the alert is asked for, not until it fired: a machine that is busy with other things. */
const SLACK_MS = 4_000;
/** Of the short drills: the command that begins one takes part of it to end. */
const DRILL = '4s';
const DRILL_MS = 4_000;

describe('drills under load', () => {
  let it: Vitrine;
  beforeAll(async () => {
    it = await startVitrine();
    await until(
      async () => (await json<Health>(`${it.balancer}/health`)).status === 'healthy' || undefined,
      15_000,
      () => 'the services are not up',
    );
  });
  afterAll(async () => it?.[Symbol.asyncDispose]());

  const drill = (kind: string, duration: string) => vitrine(['drill', kind, '--for', duration, '--data', it.dataDir]);
  const load = (seconds: number) =>
    startProgram(process.execPath, [
      MAIN,
      'load',
      '--url',
      it.balancer,
      '--users',
      '10',
      '--duration',
      String(seconds),
    ]);
  const firing = async (name: string) => {
    const { alerts } = await json<AlertsAnswer>(`${it.monitor}/api/alerts`);
    return alerts.find((alert) => alert.name === name && alert.state === 'firing');
  };
  const requests = async (query: string): Promise<number> =>
    Number(
      (
        await json<{ data: { result: { value: [number, string] }[] } }>(
          `${it.monitor}/api/v1/query?query=${encodeURIComponent(query)}`,
        )
      ).data.result[0]?.value[1] ?? 0,
    );

  test('latency: an alert fires within seconds, everywhere, leads to a trace, and goes when the drill has ended', async () => {
    const traffic = load(60);
    // Traffic that is there for a while already: the first answers of a service that has just begun are no usual ones.
    const before = 'sum(increase(http_server_request_duration_seconds_count{job="vitrine-balancer"}[5s] offset 5s))';
    await until(
      async () => (await requests(before)) > 50 || undefined,
      20_000,
      () => 'no traffic',
    );
    // A cold start on a busy machine is slow indeed; that alert goes by itself.
    await until(
      async () => (await firing('SlowResponses')) === undefined || undefined,
      30_000,
      () => 'SlowResponses fires without a drill',
    );
    expect((await drill('latency', '8s')).code).toBe(0);
    const began = Date.now();
    const alert = await until(
      () => firing('SlowResponses'),
      FIRE_LIMIT_MS + SLACK_MS,
      () => 'SlowResponses does not fire',
    );
    const tookMs = (alert.firedAtMs ?? 0) - began;
    console.log(`SlowResponses fired ${tookMs} ms after the drill had begun: ${alert.annotations['summary']}`);
    expect(tookMs).toBeLessThan(FIRE_LIMIT_MS);
    const { data } = await json<{ data: { alerts: { labels: Record<string, string>; state: string }[] } }>(
      `${it.monitor}/api/v1/alerts`,
    );
    expect(data.alerts).toContainEqual(
      expect.objectContaining({ state: 'firing', labels: expect.objectContaining({ alertname: 'SlowResponses' }) }),
    );
    await until(
      () => it.output().includes('SlowResponses') || undefined,
      2_000,
      () => 'the console does not tell of the alert',
    );
    await until(
      () => readFileSync(path.join(it.dataDir, 'logs/vitrine.ndjson'), 'utf8').includes('SlowResponses') || undefined,
      2_000,
      () => 'the log file does not tell of the alert',
    );
    const traces = await until(
      async () => {
        const slowest = `${it.monitor}/api/traces?from=${began}&min_duration_ms=200&limit=10`;
        const found = (await json<TracesAnswer>(slowest)).traces;
        return found.length > 0 ? found : undefined;
      },
      2_000,
      () => 'no trace of a slow answer',
    );
    const slow = await json<TraceAnswer>(`${it.monitor}/api/traces/${traces[0].traceId}`);
    expect(slow.durationMs).toBeGreaterThanOrEqual(200);
    expect(slow.startMs).toBeGreaterThanOrEqual(began - 1_000);
    await traffic.stop();
  });

  test('errors: half of the answers of the services fail while it lasts, and none after', async () => {
    expect((await drill('errors', DRILL)).code).toBe(0);
    // Eight at once: that none of them fails by chance is rare, and a few looks make it impossible.
    const fails = async (): Promise<boolean> => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => fetch(`${it.balancer}/api/ledger/check?${Math.random()}`)),
      );
      return answers.some(({ status }) => status >= 500);
    };
    await until(
      async () => (await fails()) || undefined,
      DRILL_MS,
      () => 'no error',
    );
    await endOf(fails);
  });

  test('slow-database and block-loop: answers are late while it lasts', async () => {
    for (const kind of ['slow-database', 'block-loop']) {
      const late = async (): Promise<boolean> => {
        const began = performance.now();
        await (await fetch(`${it.balancer}/api/ledger/check?${Math.random()}`)).arrayBuffer();
        return performance.now() - began > 100;
      };
      expect((await drill(kind, DRILL)).code).toBe(0);
      await until(
        async () => (await late()) || undefined,
        DRILL_MS,
        () => `${kind} makes nothing late`,
      );
      await endOf(late);
    }
  });

  test('cache-outage: the services answer without their cache', async () => {
    expect((await drill('cache-outage', DRILL)).code).toBe(0);
    const before = await requests('sum(vitrine_cache_lookups_total{job="payments",vitrine_cache_result="error"})');
    await until(
      async () => {
        expect((await fetch(`${it.balancer}/api/accounts?${Math.random()}`)).status).toBe(200);
        return (
          (await requests('sum(vitrine_cache_lookups_total{job="payments",vitrine_cache_result="error"})')) > before ||
          undefined
        );
      },
      8_000,
      () => 'no look-up fails',
    );
  });

  test('kill: the killed service is restarted, and no request fails', async () => {
    const pids = (): number[] =>
      (
        JSON.parse(readFileSync(path.join(it.dataDir, 'run.json'), 'utf8')) as { services: { pid: number }[] }
      ).services.map(({ pid }) => pid);
    const before = pids();
    expect((await drill('kill', '1s')).code).toBe(0);
    await until(
      async () => {
        expect((await fetch(`${it.balancer}/api/accounts?${Math.random()}`)).status).toBe(200);
        const { components } = await json<Health>(`${it.balancer}/health`);
        return (pids()[0] !== before[0] && components['server']?.['upstreams_up'] === 2) || undefined;
      },
      20_000,
      () => 'the service does not come back',
    );
  });

  test('an unknown kind is wrong usage, and no drill is possible without a running Vitrine', async () => {
    expect((await vitrine(['drill', 'flood', '--data', it.dataDir])).code).toBe(2);
    expect((await vitrine(['drill', 'latency', '--data', path.join(it.dataDir, 'elsewhere')])).code).toBe(4);
  });
});

/** Ten good answers in a row. */
async function endOf(isBad: () => Promise<boolean>): Promise<void> {
  let good = 0;
  await until(
    async () => {
      good = (await isBad()) ? 0 : good + 1;
      return good >= 10 || undefined;
    },
    15_000,
    () => 'the drill does not end',
  );
}

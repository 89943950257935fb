/** `vitrine run -- node server.js` with an unchanged service, and its data in the page. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CurrentFigures, TraceAnswer, TracesAnswer } from '../../../src/monitor/api/contract.ts';
import { load, vitrine } from '../../support/docs/command-line.ts';
import { freshDir, startProgram } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import {
  freePorts,
  json,
  MAIN,
  portsEnvironment,
  REPOSITORY,
  startVitrine,
  type Vitrine,
} from '../../support/programs/vitrine-process.ts';

const APP = path.join(REPOSITORY, 'test/fixtures/express-app');
const SEEN_LIMIT_MS = 15_000;

describe('vitrine run -- node server.js', () => {
  let it: Vitrine;
  beforeAll(async () => {
    it = await startVitrine({ command: ['run', '--', process.execPath, 'server.js'], cwd: APP });
    await until(
      async () => (await fetch(`${it.balancer}/orders`)).ok || undefined,
      SEEN_LIMIT_MS,
      () => `the service is not reached\n${it.output()}`,
    );
  });
  afterAll(async () => it?.[Symbol.asyncDispose]());

  test('its routes are in the live figures and in the traces', async () => {
    await fetch(`${it.balancer}/orders/7`);
    await until(
      async () => {
        const { routes, services } = await json<CurrentFigures>(`${it.monitor}/api/metrics`);
        return (
          (routes.some(({ route }) => route.startsWith('/orders')) &&
            services.some(({ service }) => service === 'orders')) ||
          undefined
        );
      },
      SEEN_LIMIT_MS,
      () => 'its routes are not in the figures',
    );
    await until(
      async () => {
        const { traces } = await json<TracesAnswer>(`${it.monitor}/api/traces?service=orders&limit=100`);
        return traces.some(({ services }) => services.includes('vitrine-balancer')) || undefined;
      },
      SEEN_LIMIT_MS,
      () => 'it has no traces',
    );
  });

  test('its own route wins over the name that the balancer makes of a path, also in the balancer’s metrics', async () => {
    const counted = async (route: string): Promise<number> => {
      const expr = `sum(http_server_request_duration_seconds_count{job="vitrine-balancer",http_route="${route}"})`;
      const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
        `${it.monitor}/api/v1/query?query=${encodeURIComponent(expr)}`,
      );
      return Number(data.result[0]?.value[1] ?? 0);
    };
    await fetch(`${it.balancer}/orders/teapot`);
    await until(
      async () => (await counted('/orders/teapot')) === 1 || undefined,
      SEEN_LIMIT_MS,
      () => 'the balancer does not count',
    );
    // Its spans have come by now or come soon; then no further word is a name of its own.
    const words = ['kettle', 'saucer', 'strainer', 'spoon', 'samovar', 'biscuit', 'doily', 'tray', 'cosy', 'urn'];
    let last = '';
    await until(
      async () => {
        const [before, word] = [await counted('/orders/:id'), words.pop()];
        if (word === undefined) throw new Error('the balancer does not learn the route');
        last = word;
        await fetch(`${it.balancer}/orders/${word}`);
        return until(async () => (await counted('/orders/:id')) > before, 3_000).catch(() => undefined);
      },
      60_000,
      () => 'the balancer does not learn the route',
    );
    expect(await counted(`/orders/${last}`)).toBe(0);
    const { routes } = await json<CurrentFigures>(`${it.monitor}/api/metrics`);
    expect(routes.map(({ route }) => route)).toContain('/orders/:id');
  });

  test('a slow request is found, with its waterfall and log lines', async () => {
    await fetch(`${it.balancer}/orders/slow`);
    const trace = await until(
      async () => {
        const { traces } = await json<TracesAnswer>(`${it.monitor}/api/traces?min_duration_ms=250&limit=10`);
        const found = traces.find(({ services }) => services.includes('orders'));
        if (found === undefined) return undefined;
        const whole = await json<TraceAnswer>(`${it.monitor}/api/traces/${found.traceId}`);
        return whole.logs.length > 0 ? whole : undefined;
      },
      SEEN_LIMIT_MS,
      () => 'the slow request is not found with a line',
    );
    const server = trace.spans.find(({ service, kind }) => service === 'orders' && kind === 'server');
    expect(server?.attributes['http.route']).toBe('/orders/:id');
    expect(server?.durationMs).toBeGreaterThanOrEqual(290);
    expect(trace.logs.map(({ message }) => message)).toContain('order slow is looked for');
  });

  test('the generator and the page show the same percentiles, apart from the time between them', async () => {
    const result = await load({ url: `${it.balancer}/orders/9`, scenario: 'get', users: 5, rate: 60, duration: 6 });
    expect(result.totals.failed).toBe(0);
    const query = async (quantile: number): Promise<number> => {
      const expr = `1000 * histogram_quantile(${quantile}, sum by (le) (rate(http_server_request_duration_seconds_bucket{job="vitrine-balancer",http_route=~"/orders/.*"}[1m])))`;
      const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
        `${it.monitor}/api/v1/query?query=${encodeURIComponent(expr)}`,
      );
      return Number(data.result[0]?.value[1] ?? NaN);
    };
    const p50 = await until(
      async () => (await query(0.5)) || undefined,
      SEEN_LIMIT_MS,
      () => 'no percentile',
    );
    console.log(`p50: generator ${result.latency_ms?.p50} ms, page ${p50.toFixed(2)} ms`);
    // The page starts at the first byte of the request and has buckets; the client waits for the scheduler as well.
    expect(p50).toBeLessThan((result.latency_ms?.p50 ?? 0) * 2 + 5);
    expect(p50 * 4 + 20).toBeGreaterThan(result.latency_ms?.p50 ?? Infinity);
  });

  test('health checks of the balancer count neither as requests nor as traces', async () => {
    await until(
      async () => {
        const { traces } = await json<TracesAnswer>(`${it.monitor}/api/traces?service=orders&limit=1000`);
        // The balancer's part of the last requests may be on its way.
        return (
          (traces.length > 0 && traces.every(({ services }) => services.includes('vitrine-balancer'))) || undefined
        );
      },
      SEEN_LIMIT_MS,
      () => 'there are traces that did not come through the balancer',
    );
    const routes = await until(
      async () => {
        const { data } = await json<{ data: { result: { metric: Record<string, string> }[] } }>(
          `${it.monitor}/api/v1/query?query=${encodeURIComponent('http_server_request_duration_seconds_count{job="orders"}')}`,
        );
        return data.result.length > 0 ? data.result.map(({ metric }) => metric['http_route'] ?? 'none') : undefined;
      },
      SEEN_LIMIT_MS,
      () => 'the service counts no requests',
    );
    expect(routes.filter((route) => !route.startsWith('/orders'))).toEqual([]);
    // A client that uses the name of the health checks is still recorded.
    await fetch(`${it.balancer}/orders/hidden`, { headers: { 'user-agent': 'vitrine-health-check' } });
    await until(
      async () => {
        const found = await json<TracesAnswer>(`${it.monitor}/api/traces?attribute=url.path=/orders/hidden&limit=10`);
        return found.traces.some(({ services }) => services.includes('orders')) || undefined;
      },
      SEEN_LIMIT_MS,
      () => 'a request hides behind the name of the checks',
    );
  });

  test('the exit code of the command is passed on', async () => {
    await fetch(`${it.balancer}/exit/7`);
    expect(
      await until(
        () => it.child.exitCode ?? undefined,
        15_000,
        () => 'it does not end with its command',
      ),
    ).toBe(7);
  });
});

test.each(['start', 'run'])(
  'Ctrl-C, which all processes of a terminal get at once, ends %s without trouble',
  async (name) => {
    const ports = await freePorts();
    const data = freshDir();
    const command = name === 'run' ? ['--', process.execPath, 'server.js'] : [];
    await using program = startProgram(process.execPath, [MAIN, name, '--data', data, ...command], {
      cwd: APP,
      ownDir: data,
      group: true,
      env: portsEnvironment(ports),
    });
    await until(
      async () => {
        const answers = await Promise.all(
          [`${ports.balancer}/-`, ports.monitor].map((at) => fetch(`http://127.0.0.1:${at}/readyz`)),
        );
        return answers.every(({ ok }) => ok) || undefined;
      },
      30_000,
      program.output,
    );
    await until(() => program.output().includes('ready in') || undefined, 15_000, program.output);
    process.kill(-(program.child.pid ?? 0), 'SIGINT');
    await program.exited;
    expect(program.output()).not.toMatch(/started again|accepts no telemetry|could not be delivered/);
  },
  60_000,
);

test('a command that does not exist gives 127', async () => {
  await using created = new AsyncDisposableStack();
  const dir = freshDir();
  created.defer(() => rmSync(dir, { recursive: true, force: true }));
  const { code, stderr } = await vitrine(['run', '--data', dir, '--', 'no-such-command-here'], {
    env: portsEnvironment(await freePorts()),
  });
  expect(stderr).toContain('command not found');
  expect(code).toBe(127);
});

/** Starts, queries and stops Vitrine as a user and an orchestrator do: ports, health, exit codes, the drain. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertsAnswer, CurrentFigures } from '../../../src/monitor/api/contract.ts';
import type { Health } from '../../../src/model/health.ts';
import { vitrine } from '../../support/docs/command-line.ts';
import { until } from '../../support/until.ts';
import {
  freePort,
  freePorts,
  json,
  portsEnvironment,
  startVitrine,
  type Vitrine,
} from '../../support/programs/vitrine-process.ts';

/** Limits within which a start must answer; the first one compiles nothing but reads TypeScript. */
const START_LIMIT_MS = 15_000;
const END_LIMIT_MS = 10_000;

async function get(url: string, accept = '*/*') {
  const response = await fetch(url, { headers: { accept } });
  return { status: response.status, type: response.headers.get('content-type') ?? '', body: await response.text() };
}

describe('a running Vitrine', () => {
  let it: Vitrine;
  let startMs = 0;
  beforeAll(async () => {
    const began = performance.now();
    it = await startVitrine();
    startMs = performance.now() - began;
  });
  afterAll(async () => it?.[Symbol.asyncDispose]());

  test('answers on both ports within 15 s, and shows live data', async () => {
    console.log(`both ports ready after ${Math.round(startMs)} ms`);
    expect(startMs).toBeLessThan(START_LIMIT_MS);
    expect((await get(it.balancer + '/api/accounts')).status).toBe(200);
    await until(
      async () => ((await json<CurrentFigures>(`${it.monitor}/api/metrics`)).balancer?.requests ?? 0) > 0 || undefined,
      START_LIMIT_MS - startMs,
      () => 'no live data within 15 s of the start',
    );
  });

  test('/health has the documented form and correct figures on both ports', async () => {
    await until(
      async () => (await json<Health>(`${it.monitor}/health`)).status === 'healthy' || undefined,
      15_000,
      () => 'never healthy',
    );
    const lists = await Promise.all(
      Array.from({ length: 40 }, (_each, at) => get(`${it.balancer}/api/accounts?copy=${at}`)),
    );
    const bytes = lists.reduce((sum, { body }) => sum + body.length, 0);
    const own = await json<Health>(`${it.balancer}/health`);
    const names = ['status', 'uptime', 'uptime_seconds', 'memory_usage_mb', 'cache_size_mb', 'queue_size'];
    expect(Object.keys(own)).toEqual([...names, 'components']);
    expect(Object.keys(own.components).sort()).toEqual(['balancer', 'cache', 'server']);
    const all = await until(
      async () => {
        const health = await json<Health>(`${it.monitor}/health`);
        return health.cache_size_mb > 0 ? health : undefined;
      },
      5_000,
      () => 'the cache stays empty on the monitor',
    );
    expect(Object.keys(all)).toEqual([...names, 'alerts_firing', 'components']);
    expect(Object.keys(all.components).sort()).toEqual(['balancer', 'cache', 'monitor', 'server']);
    for (const health of [own, all]) {
      expect(health.uptime).toMatch(/^\d+ (second|minute)s?( \d+ seconds?)?$/);
      expect(health.cache_size_mb).toBeGreaterThanOrEqual(Math.floor(bytes / 1024 ** 2 / 0.1) * 0.1);
      expect(health.cache_size_mb).toBeLessThan(4 * (bytes / 1024 ** 2) + 0.1);
      expect(health.queue_size).toBe(0);
      expect(health.components['cache']).toMatchObject({ status: 'healthy', store: 'memory' });
      expect(health.components['cache']?.['entries']).toBeGreaterThanOrEqual(40);
      expect(health.components['cache']?.['size_bytes']).toBeGreaterThanOrEqual(bytes);
      expect(health.components['cache']).not.toHaveProperty('sizeBytes');
      expect(health.components['server']).toMatchObject({ status: 'healthy', upstreams_up: 2, upstreams_total: 2 });
      for (const component of Object.values(health.components))
        expect(component.uptime_seconds).toBeGreaterThanOrEqual(0);
    }
    const elapsed = process.uptime();
    expect(own.uptime_seconds).toBeGreaterThan(0);
    expect(own.uptime_seconds).toBeLessThan(elapsed + 1);
    // Of the process itself, as the kernel counts it.
    const rss = it.rssBytes() / 2 ** 20;
    expect(own.memory_usage_mb).toBeGreaterThan(rss * 0.7);
    expect(own.memory_usage_mb).toBeLessThan(rss * 1.3);
    expect(all.memory_usage_mb).toBeGreaterThan(own.memory_usage_mb);
    const { alerts } = await json<AlertsAnswer>(`${it.monitor}/api/alerts`);
    expect(all.alerts_firing).toBe(alerts.filter(({ state }) => state === 'firing').length);
  });

  test('/health answers application/health+json to clients that accept it; /livez and /readyz are plain', async () => {
    for (const origin of [it.balancer, it.monitor]) {
      const draft = await get(`${origin}/health`, 'application/health+json');
      expect(draft.type).toMatch(/^application\/health\+json/);
      const body = JSON.parse(draft.body) as { status: string; checks: Record<string, unknown> };
      expect(body.status).toBe('pass');
      expect(Object.keys(body.checks)).toContain('balancer:uptime');
      expect((await get(`${origin}/health`)).type).toMatch(/^application\/json/);
      expect((await get(`${origin}/livez`)).status).toBe(200);
      expect((await get(`${origin}/readyz`)).status).toBe(200);
    }
    expect((await get(`${it.monitor}/-/healthy`)).status).toBe(200);
    expect((await get(`${it.monitor}/-/ready`)).status).toBe(200);
  });

  test('SIGUSR2 ends none of its processes and says which role can be replaced', async () => {
    it.child.kill('SIGUSR2');
    await until(() => it.output().includes('only in `vitrine start --role balancer`') || undefined, 10_000);
    expect((await get(it.balancer + '/api/accounts')).status).toBe(200);
  });

  test('top prints one frame, query a table, JSON and CSV', async () => {
    const top = await vitrine(['top', '--once', '--url', it.monitor]);
    expect(top).toMatchObject({ code: 0, stderr: '' });
    for (const line of [
      'Real-Time Metrics Dashboard:',
      'Requests per second: ',
      'Average Response Time: ',
      'Cache Hit Ratio: ',
      'HTTP Server Uptime: ',
      'Load Balancer Uptime: ',
    ])
      expect(top.stdout).toContain(line);
    const expr = 'sum(http_server_request_duration_seconds_count{job="vitrine-balancer"})';
    const [plain, asJson, csv, wrong] = await Promise.all([
      vitrine(['query', expr, '--url', it.monitor]),
      vitrine(['query', expr, '--url', it.monitor, '--json']),
      vitrine(['query', expr, '--url', it.monitor, '--csv']),
      vitrine(['query', 'sum(', '--url', it.monitor]),
    ]);
    expect(plain.code).toBe(0);
    expect(plain.stdout).toMatch(/\d+/);
    const { result } = JSON.parse(asJson.stdout) as { result: { value: [number, string] }[] };
    expect(Number(result[0]?.value[1])).toBeGreaterThanOrEqual(40);
    expect(csv.stdout.trim().split('\n')).toHaveLength(2);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).not.toBe('');
    const nobody = await vitrine(['query', '1', '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(nobody.code).toBe(4);
    expect(nobody.stderr).toContain('Nothing answers at');
  });

  test('a second Vitrine on the same data directory is refused, and the first goes on', async () => {
    const second = await vitrine(['start', '--data', it.dataDir], { env: portsEnvironment(await freePorts()) });
    expect(second.stderr).toContain(it.dataDir);
    expect(second.stderr).toContain(`A Vitrine runs at ${it.monitor}`);
    expect(second.stderr).toContain(`Open ${it.monitor}`);
    expect(second.code).toBe(4);
    expect((await get(`${it.balancer}/api/accounts?after`)).status).toBe(200);
    expect((await get(`${it.monitor}/readyz`)).status).toBe(200);
    expect((await vitrine(['drill', 'latency', '--for', '100ms', '--data', it.dataDir])).code).toBe(0);
  });

  test('a taken port ends the start with code 4 and names the port; doctor says the same', async () => {
    const data = mkdtempSync(path.join(tmpdir(), 'vitrine-'));
    const env = portsEnvironment({ ...(await freePorts()), balancer: it.ports.balancer });
    const taken = await vitrine(['start', '--data', data], { env });
    expect(taken.stderr).toContain(`127.0.0.1:${it.ports.balancer}`);
    expect(taken.code).toBe(4);
    const monitorTaken = await vitrine(['start', '--data', data], {
      env: {
        ...env,
        VITRINE_BALANCER__LISTEN: `127.0.0.1:${await freePort()}`,
        VITRINE_MONITOR__LISTEN: `127.0.0.1:${it.ports.monitor}`,
      },
    });
    expect(monitorTaken.stderr).toContain(`127.0.0.1:${it.ports.monitor}`);
    expect(monitorTaken.code).toBe(4);
    const doctor = await vitrine(['doctor', '--json', '--data', data], { env });
    const report = JSON.parse(doctor.stdout) as { ok: boolean; findings: { what: string; ok: boolean }[] };
    expect(doctor.code).toBe(5);
    expect(report.ok).toBe(false);
    expect(report.findings.filter(({ ok }) => !ok).map(({ what }) => what)).toEqual(['port balancer']);
    rmSync(data, { recursive: true, force: true });
  });
});

describe('a start that is refused', () => {
  test('a monitor that others can reach needs a token', async () => {
    const env = { VITRINE_MONITOR__LISTEN: `0.0.0.0:${await freePort()}` };
    const refused = await vitrine(['start', '--role', 'monitor', '--listen', `0.0.0.0:${await freePort()}`]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('VITRINE_TOKEN');
    expect((await vitrine(['start'], { env })).code).toBe(3);
  });

  test('check reports every mistake with its place, and passes a good file', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-'));
    const bad = path.join(dir, 'bad.yaml');
    writeFileSync(bad, 'balancer:\n  listne: 127.0.0.1:1\nmonitor:\n  listen: nowhere\n');
    const wrong = await vitrine(['check', '--config', bad]);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('bad.yaml:2:3');
    expect(wrong.stderr).toContain('bad.yaml:4:11');
    expect(wrong.stderr).toContain('did you mean');
    expect((await vitrine(['start', '--config', bad])).code).toBe(3);
    expect(await vitrine(['check'], { cwd: dir })).toMatchObject({ code: 0 });
    const schema = await vitrine(['check', '--schema']);
    expect(JSON.parse(schema.stdout)).toMatchObject({ type: 'object' });
    rmSync(dir, { recursive: true, force: true });
  });
});

/** A file of a flat performance monitor, as users have written it. */
const FLAT_FILE = {
  monitoring: {
    interval: 30,
    duration: 3600,
    targets: [
      { name: 'Web Application', url: 'https://app.example', type: 'web' },
      { name: 'API Endpoint', url: 'https://api.example/health', type: 'api' },
    ],
  },
  alerts: {
    email: { enabled: true, smtp_server: 'smtp.example', smtp_port: 587, username: 'a@b.example', password: 'secret' },
    webhook: { enabled: true, url: 'https://hooks.example/services/A/B' },
  },
  database: { path: './monitor_data.db', retention_days: 30 },
  ai: { anomaly_detection: true, prediction_window: 300, confidence_threshold: 0.8 },
};

test('the unchanged JSON file of a flat performance monitor starts Vitrine', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-'));
  const file = path.join(dir, 'monitor-config.json');
  writeFileSync(file, JSON.stringify(FLAT_FILE, null, 2));
  await using it = await startVitrine({ command: ['start', '--config', file] });
  expect((await get(`${it.balancer}/api/accounts`)).status).toBe(200);
  expect(it.output()).toContain('monitoring: not used by this version');
  expect(it.output()).not.toContain('secret');
  expect(await it.stop()).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});

describe('SIGTERM', () => {
  let upstream: Server;
  let arrived = 0;
  let port = 0;
  beforeAll(async () => {
    upstream = createServer((incoming, answer) => {
      if (incoming.url === '/readyz') {
        answer.end('ok');
        return;
      }
      arrived += 1;
      const slow = setTimeout(() => answer.end(`answered ${incoming.url}`), incoming.url === '/slow' ? 3_000 : 20);
      answer.once('close', () => clearTimeout(slow));
    });
    port = await freePort();
    await new Promise<void>((resolve) => upstream.listen(port, '127.0.0.1', resolve));
  });
  afterAll(() => void upstream.close());

  interface Answer {
    readonly status: number;
    readonly connection: string | undefined;
  }
  const ask = (url: string, agent: Agent): Promise<Answer> =>
    new Promise((resolve, reject) => {
      request(url, { agent }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, connection: answer.headers.connection }));
        answer.once('error', reject);
      })
        .once('error', reject)
        .end();
    });

  test('is announced, drains open requests and ends with 0 within 10 s', async () => {
    await using it = await startVitrine({ env: { VITRINE_BALANCER__UPSTREAMS: `http://127.0.0.1:${port}` } });
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const answers: Answer[] = [];
    let failures = 0;
    const state = { ending: false };
    const clients = Array.from({ length: 10 }, async () => {
      while (!state.ending || failures < 10) {
        try {
          answers.push(await ask(`${it.balancer}/quick`, agent));
        } catch {
          failures += 1;
          if (state.ending) return;
        }
      }
    });
    await until(
      () => answers.length > 100 || undefined,
      5_000,
      () => 'no traffic',
    );
    expect(answers.every(({ connection }) => connection !== 'close')).toBe(true);
    const slow = Array.from({ length: 5 }, () => ask(`${it.balancer}/slow`, new Agent()));
    await until(
      () => arrived >= answers.length + 5 || undefined,
      2_000,
      () => 'slow ones have not arrived',
    );
    const began = performance.now();
    state.ending = true;
    it.child.kill('SIGTERM');
    const ready = await until(
      async () => {
        const answer = await ask(`${it.balancer}/-/readyz`, new Agent());
        return answer.status === 503 ? answer : undefined;
      },
      900,
      () => 'readiness is not taken back before the port closes',
    );
    expect(ready.connection).toBe('close');
    expect((await ask(`${it.balancer}/quick`, new Agent())).connection).toBe('close');
    const slowAnswers = await Promise.all(slow);
    expect(slowAnswers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await Promise.all(clients);
    const code = await until(
      () => it.child.exitCode ?? undefined,
      END_LIMIT_MS,
      () => `does not end\n${it.output()}`,
    );
    const tookMs = performance.now() - began;
    console.log(`ended after ${Math.round(tookMs)} ms; ${answers.length} answers, ${arrived} arrived upstream`);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(END_LIMIT_MS);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    // Every request that reached the service was answered: those of the clients, five slow ones, and one of this test.
    expect(answers.length + 6).toBe(arrived);
    agent.destroy();
  });
});

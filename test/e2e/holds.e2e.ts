/** Starting and ending when something is wrong: the disk, the ports, a Vitrine that runs or was killed, the clock. */
import { spawn } from 'node:child_process';
import { existsSync, renameSync, truncateSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { freshDir } from '../support/program.ts';
import { until } from '../support/until.ts';
import {
  freePorts,
  json,
  MAIN,
  portsEnvironment,
  startVitrine,
  type Ports,
} from '../support/programs/vitrine-process.ts';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';

interface Run {
  readonly child: ReturnType<typeof spawn>;
  readonly ended: Promise<number | null>;
  said(): string;
}

function start(dir: string, ports: Ports, env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [MAIN, 'start', '--data', dir], {
    env: { ...process.env, NODE_OPTIONS: '', ...portsEnvironment(ports), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)), said: () => text };
}

const answers = (url: string, run: Run): Promise<true> =>
  until(
    async () => (await fetch(url)).ok || undefined,
    60_000,
    () => `${url}: ${run.said()}`,
  );

/** An upstream of the test's own, so that a start costs no sample services. */
async function upstream(): Promise<{ url: string; close(): void }> {
  const server = createServer((_request, response) => response.end('up'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  return { url: `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}`, close: () => void server.close() };
}

describe('the balancer serves', () => {
  test('over a damaged store, which is said in a sentence and set aside', async () => {
    const dir = path.join(freshDir(), 'data');
    const ports = await freePorts();
    const service = await upstream();
    const env = { VITRINE_BALANCER__UPSTREAMS: service.url };
    const first = start(dir, ports, env);
    await answers(`http://127.0.0.1:${ports.monitor}/readyz`, first);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    truncateSync(path.join(dir, 'head.db'), 20_000);
    rmSync(path.join(dir, 'head.db-wal'), { force: true });
    writeFileSync(path.join(dir, 'state.db'), 'no database');
    const second = start(dir, ports, env);
    await answers(`http://127.0.0.1:${ports.balancer}/`, second);
    await answers(`http://127.0.0.1:${ports.monitor}/readyz`, second);
    expect(second.child.exitCode).toBeNull();
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    expect(second.said()).not.toMatch(/\n {4}at /);
    service.close();
  });

  test('without a monitor, when that cannot start; and ends in time', async () => {
    const dir = path.join(freshDir(), 'data');
    const ports = await freePorts();
    const service = await upstream();
    // A newer version wrote it: it is left as it is, so the monitor cannot start on this directory.
    mkdirSync(dir, { recursive: true });
    const db = new DatabaseSync(path.join(dir, 'head.db'));
    db.exec('CREATE TABLE t (x); PRAGMA user_version = 99');
    db.close();
    const run = start(dir, ports, { VITRINE_BALANCER__UPSTREAMS: service.url });
    await answers(`http://127.0.0.1:${ports.balancer}/`, run);
    await until(
      () => run.said().includes('ready in') || undefined,
      60_000,
      () => run.said(),
    );
    expect(run.child.exitCode).toBeNull();
    const began = performance.now();
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(10_000);
    service.close();
  });
});

describe('a start', () => {
  test('with the ports of a Vitrine that runs is refused with 4 and its address, before anything is written', async () => {
    await using it = await startVitrine();
    const dir = path.join(freshDir(), 'data');
    const ports = { ...(await freePorts()), monitor: it.ports.monitor };
    const run = start(dir, ports);
    expect(await run.ended).toBe(4);
    expect(run.said()).toContain(`Open http://127.0.0.1:${it.ports.monitor}`);
    expect(run.said()).not.toMatch(/^\{|\n {4}at /m);
    expect(existsSync(path.join(dir, 'logs'))).toBe(false);
    const health = await json<{ status: string }>(`${it.monitor}/health`);
    expect(health.status).not.toBe('starting');
    // Killed, and started at once on the same directory and ports, while its children are still there.
    it.child.kill('SIGKILL');
    const again = start(it.dataDir, it.ports);
    const states = new Set<string>();
    await until(
      async () => {
        const answer = await fetch(`http://127.0.0.1:${it.ports.balancer}/-/health`).catch(() => undefined);
        const { status } = ((await answer?.json()) ?? {}) as { status?: string };
        if (status !== undefined) states.add(status);
        return status === 'healthy' || undefined;
      },
      60_000,
      () => `${[...states].join()} ${again.said()}`,
    );
    // Once healthy nothing takes it back: no service is given up or held out.
    expect([...states].filter((status) => status === 'unhealthy')).toEqual([]);
    again.child.kill('SIGTERM');
    expect(await again.ended).toBe(0);
  });
});

describe('a data directory that vanishes', () => {
  test('is noticed within seconds, and an alert says so', async () => {
    const dir = freshDir();
    await using it = await startMonitorProcess({ dir });
    renameSync(path.join(dir, 'data'), path.join(dir, 'away'));
    await until(
      async () => {
        const { data } = await json<{ data: { alerts: { labels: Record<string, string> }[] } }>(
          `${it.url}/api/v1/alerts`,
        );
        return data.alerts.some(({ labels }) => labels['alertname'] === 'StoreNotWritable') || undefined;
      },
      30_000,
      () => 'no alert',
    );
    renameSync(path.join(dir, 'away'), path.join(dir, 'data'));
  });
});

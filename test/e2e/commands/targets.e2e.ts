/** Targets in processes of their own: the durations of a run, and heartbeats over a kill of the monitor. */
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { HistoryJson, TargetJson } from '../../../src/monitor/api/targets/contract.ts';
import { freshDir } from '../../support/program.ts';
import { json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const PERIOD_MS = 4_000;

/** The monitor alone, as it is installed, on one data directory. */
async function startMonitor(dir: string, more: readonly string[]): Promise<Vitrine> {
  const command = ['start', '--role', 'monitor', '--data', dir, ...more];
  const it = await startVitrine({ command, ready: false, built: true });
  await until(
    async () => (await fetch(`${it.monitor}/readyz`).catch(() => undefined))?.ok,
    60_000,
    () => `the monitor is not ready: ${it.output()}`,
  );
  return it;
}

test('the two targets of a flat performance monitor are checked at --interval', async () => {
  const dir = freshDir();
  const asked = new Set<string>();
  const server = createServer(({ headers, url }, response) => {
    if (headers['user-agent']?.startsWith('vitrine-check') === true) asked.add(url ?? '');
    response.setHeader('content-type', 'text/html').end('<p>well</p>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const targets = [
    { name: 'Web Application', url: `${base}/`, type: 'web' },
    { name: 'API Endpoint', url: `${base}/health`, type: 'api' },
  ];
  const config = path.join(dir, 'monitor-config.json');
  writeFileSync(config, JSON.stringify({ monitoring: { interval: 30, duration: 3600, targets } }));
  await using it = await startMonitor(dir, ['--config', config, '--interval', '1']);
  const states = async (): Promise<string[]> =>
    (await json<{ targets: TargetJson[] }>(`${it.monitor}/api/targets`)).targets.map(
      ({ id, state, interval_ms: ms }) => `${id} ${state} ${ms}`,
    );
  const wanted = ['web-application up 1000', 'api-endpoint up 1000'];
  await until(async () => (await states()).join() === wanted.join(), 60_000);
  expect([...asked].sort()).toEqual(['/', '/health']);
  expect(await it.stop()).toBe(0);
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

test('--duration ends the run by itself, with exit code 0 and not before', async () => {
  const startedMs = performance.now();
  const command = ['start', '--role', 'monitor', '--duration', '1.5'];
  await using it = await startVitrine({ command, ready: false, built: true });
  expect(await it.exited).toBe(0);
  expect(performance.now() - startedMs).toBeGreaterThan(1_500);
  expect(it.output()).not.toContain('"level":"error"');
});

test('a kill of the monitor before a deadline loses no acknowledged beat, and the time away is no failure', async () => {
  const dir = freshDir();
  const config = path.join(dir, 'vitrine.yaml');
  writeFileSync(config, `targets: [{ name: backup, heartbeat: ${PERIOD_MS}ms, grace: 0s }]\n`);
  let ackedMs = 0;
  {
    await using first = await startMonitor(dir, ['--config', config]);
    const { path: beat } = await json<{ path: string }>(`${first.monitor}/api/targets/backup/heartbeat`);
    const { status } = await fetch(`${first.monitor}${beat}`, { method: 'POST' });
    ackedMs = Date.now();
    expect(status).toBeLessThan(300);
    first.child.kill('SIGKILL');
    await first.exited;
  }
  // The deadline passes while nobody is there to hear a beat.
  await until(() => Date.now() > ackedMs + PERIOD_MS, 60_000);
  const restartedMs = Date.now();
  await using second = await startMonitor(dir, ['--config', config]);
  const of = async (): Promise<TargetJson> => json<TargetJson>(`${second.monitor}/api/targets/backup`);
  const { heartbeat } = await of();
  const lastMs = Date.parse(heartbeat?.last ?? '');
  expect(lastMs).toBeGreaterThan(ackedMs - PERIOD_MS);
  expect(lastMs).toBeLessThanOrEqual(ackedMs);
  // A whole period is left less the time that the first monitor was there: some milliseconds after the beat.
  expect(Date.parse(heartbeat?.deadline ?? '')).toBeGreaterThanOrEqual(restartedMs + PERIOD_MS - (ackedMs - lastMs));
  const past = await json<HistoryJson>(`${second.monitor}/api/targets/backup/history`);
  const early = past.outages.filter(({ from }) => Date.parse(from) < Date.parse(heartbeat?.deadline ?? ''));
  expect(early).toEqual([]);
  expect(await second.stop()).toBe(0);
  rmSync(dir, { recursive: true, force: true });
});

/** `vitrine doctor` beside a Vitrine that runs, beside another program on its ports, and after one that was killed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeRunFile } from '../../src/app/process/run-file.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { freePort } from '../support/programs/vitrine-process.ts';

const write = process.stdout.write.bind(process.stdout);
let dir = '';
let monitor: Server;
let url = '';

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-doctor-'));
  monitor = createServer();
  await new Promise<void>((resolve) => monitor.listen(0, '127.0.0.1', resolve));
  const { port } = monitor.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
  const [balancer, http, grpc] = await Promise.all([freePort(), freePort(), freePort()]);
  vi.stubEnv('VITRINE_MONITOR__LISTEN', `127.0.0.1:${port}`);
  vi.stubEnv('VITRINE_BALANCER__LISTEN', `127.0.0.1:${balancer}`);
  vi.stubEnv('VITRINE_MONITOR__OTLP_HTTP', `127.0.0.1:${http}`);
  vi.stubEnv('VITRINE_MONITOR__OTLP_GRPC', `127.0.0.1:${grpc}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => monitor.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

async function findings(): Promise<{ code: number; byWhat: Record<string, { ok: boolean; found: string }> }> {
  let out = '';
  process.stdout.write = (text: string) => ((out += text), true);
  try {
    const code = await runCommandLine(['doctor', '--data', dir, '--json']);
    const list = (JSON.parse(out) as { findings: { what: string; ok: boolean; found: string }[] }).findings;
    return { code, byWhat: Object.fromEntries(list.map((one) => [one.what, one])) };
  } finally {
    process.stdout.write = write;
  }
}

describe('doctor', () => {
  it('knows the Vitrine that runs here by its run file, and takes its ports for its own', async () => {
    writeRunFile(dir, { pid: process.pid, monitor: url, services: [] });
    const { code, byWhat } = await findings();
    expect(byWhat['running']).toMatchObject({
      ok: true,
      found: `Vitrine runs here (pid ${process.pid}), its page is ${url}`,
    });
    expect(byWhat['port monitor']).toMatchObject({
      ok: true,
      found: expect.stringContaining('is used by the Vitrine'),
    });
    expect(code).toBe(0);
  });

  it('does not take another program for it, without a run file or with that of a dead process', async () => {
    expect((await findings()).byWhat['port monitor']).toMatchObject({
      ok: false,
      found: expect.stringContaining('EADDRINUSE'),
    });
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeRunFile(dir, { pid, monitor: url, services: [] });
    const { code, byWhat } = await findings();
    expect(byWhat['running']).toBeUndefined();
    expect(byWhat['port monitor']).toMatchObject({ ok: false });
    expect(code).toBe(5);
  });
});

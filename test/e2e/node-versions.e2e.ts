/**
 * Node.js versions: the preload on the oldest that it takes and on the last of each major after it, one sentence on an older
 * one; the balancer on those after the present. `test/support/nodes/install.sh` fetches them; in CI it does so by itself.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { startCollector } from '../telemetry/collector.ts';
import { until } from '../support/until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NODES = path.join(ROOT, 'test/support/nodes');
const versions = readFileSync(path.join(NODES, 'versions.txt'), 'utf8')
  .split('\n')
  .filter((line) => /^\d/.test(line));
if (process.env['CI']) execFileSync('bash', [path.join(NODES, 'install.sh')], { timeout: 300_000, stdio: 'inherit' });
const cache =
  process.env['VITRINE_NODES'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-nodes');
const nodeOf = (version: string): string => path.join(cache, version, 'bin/node');
const present = versions.filter((version) => existsSync(nodeOf(version)));
for (const version of versions)
  if (!present.includes(version))
    console.log(`skipped: Node.js ${version} is not there (test/support/nodes/install.sh)`);
const major = (version: string): number => Number(version.split('.')[0]);
const REGISTER = path.join(ROOT, 'dist/telemetry/register.js');
const APPS = path.join(ROOT, 'test/telemetry/fixtures/apps');

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  readonly reported: string;
}

async function underPreload(version: string): Promise<Ended> {
  const collector = await startCollector('ok');
  const env = {
    PATH: process.env['PATH'],
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  };
  const child = spawn(nodeOf(version), ['--import', REGISTER, path.join(APPS, 'plain.cjs')], { env });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const reported = collector.bodies.map(({ body }) => body.toString()).join('\n');
  await collector.close();
  return { code, stderr, reported };
}

describe('the preload', () => {
  it.each(present.filter((version) => major(version) >= 20))('observes a service on Node.js %s', async (version) => {
    const { code, stderr, reported } = await underPreload(version);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // The trace goes on over the service's own request.
    expect(reported).toMatch(/"parentSpanId":"(?!b{16})[0-9a-f]{16}","name":"GET \/inner"/);
    for (const name of [
      'GET /plain',
      'http.server.request.duration',
      'http.client.request.duration',
      'nodejs.eventloop.utilization',
    ])
      expect(reported.includes(name), name).toBe(true);
  });

  it.each(present.filter((version) => major(version) < 20))(
    'says one sentence on Node.js %s and leaves the service as it is',
    async (version) => {
      const { code, stderr, reported } = await underPreload(version);
      expect(code).toBe(0);
      expect(stderr.trim()).toBe(
        `vitrine: this service is not observed: the preload needs Node.js 20.19 or newer; this is ${version}.`,
      );
      expect(reported).toBe('');
    },
  );
});

describe('the balancer', () => {
  it.each(present.filter((version) => major(version) > 24))('answers on Node.js %s', async (version) => {
    const upstream = http.createServer((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(`${request.url} ${size}`));
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const work = mkdtempSync(path.join(tmpdir(), 'vitrine-node-'));
    const file = path.join(work, 'vitrine.yaml');
    const probe = http.createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    writeFileSync(
      file,
      `balancer:\n  listen: 127.0.0.1:${port}\n  upstreams: [http://127.0.0.1:${(upstream.address() as AddressInfo).port}]\n`,
    );
    const args = [
      path.join(ROOT, 'dist/main.js'),
      'start',
      '--role',
      'balancer',
      '-c',
      file,
      '--data',
      path.join(work, 'data'),
    ];
    const child = spawn(nodeOf(version), args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    let printed = '';
    for (const out of [child.stdout, child.stderr]) out.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    try {
      const base = `http://127.0.0.1:${port}`;
      await until(
        async () => (await fetch(`${base}/first`)).status === 200,
        20_000,
        () => printed,
      );
      // Connections that are kept, bodies, and several at once.
      for (let round = 0; round < 5; round += 1) {
        const answers = await Promise.all(
          ['a', 'b', 'c'].map(async (name) =>
            (await fetch(`${base}/${name}`, { method: 'POST', body: 'x'.repeat(round * 10_000) })).text(),
          ),
        );
        expect(answers).toEqual(['a', 'b', 'c'].map((name) => `/${name} ${round * 10_000}`));
      }
      expect(child.exitCode).toBeNull();
      expect(printed).not.toContain('does not work on this Node.js');
    } finally {
      child.kill('SIGKILL');
      upstream.close();
      upstream.closeAllConnections();
      rmSync(work, { recursive: true, force: true });
    }
  });
});

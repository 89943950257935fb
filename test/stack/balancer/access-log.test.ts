/** The access log: a line for each request, true in every field, never in a request's way. */
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { balancerSchema } from '../../../src/stack/balancer/config.ts';
import { until } from '../../support/until.ts';
import { GET, raw, Rig } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

function place(): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'access-'));
  rig.add(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'access.log');
}

const linesOf = (file: string): Record<string, unknown>[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('the access log', () => {
  it('has a line for each request with phases, tries and reason, escapes texts and leaves out the query', async () => {
    const file = place();
    const one = await rig.http((_request, response) => response.end('ok'));
    const { port } = await rig.balancer({
      access_log: file,
      routes: [
        { name: 'shop', upstreams: ['http://127.0.0.1:1', one.url], policy: 'round_robin' },
        { name: 'gone', path: '/gone', upstreams: ['http://127.0.0.1:1'] },
        { name: 'away', path: '/away', redirect: '/x' },
      ],
    });
    const ask = (target: string) =>
      raw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nUser-Agent: "quoted\\"\r\nConnection: close\r\n\r\n`);
    for (const target of ['/a?token=secret', '/b', '/gone', '/away']) await ask(target);
    const lines = await until(() => (linesOf(file).length === 4 ? linesOf(file) : undefined));
    const [a, b, gone, away] = lines;
    expect(new Set([a['tries'], b['tries']])).toEqual(new Set([1, 2]));
    expect(a).toMatchObject({
      path: '/a',
      route: 'shop',
      method: 'GET',
      host: 'a',
      status: 200,
      client: '127.0.0.1',
      scheme: 'http',
      upstream: `127.0.0.1:${one.port}`,
      reason: null,
      user_agent: '"quoted\\"',
    });
    expect(a['upstream_ms']).toBeGreaterThan(0);
    expect(a['trace_id']).toMatch(/^[0-9a-f]{32}$/);
    expect(gone).toMatchObject({ status: 503, reason: 'refused', tries: 1 });
    expect(away).toMatchObject({ status: 308, reason: null, tries: 0, upstream: null });
    expect(readFileSync(file, 'utf8')).not.toContain('secret');
  });

  it('continues in a new file after a reload, when logrotate has moved the old one', async () => {
    const file = place();
    const one = await rig.http((_request, response) => response.end('ok'));
    const section = {
      listen: '127.0.0.1:0',
      health_check: { interval: '0s' },
      drain: { announce: '0s' },
      upstreams: [one.url],
      access_log: file,
    };
    const { balancer, port } = await rig.balancer(section);
    await raw(port, GET, /ok$/);
    await until(() => linesOf(file).length === 1);
    renameSync(file, `${file}.1`);
    balancer.reload(balancerSchema.parse(section));
    await raw(port, GET, /ok$/);
    await until(() => linesOf(file).length === 1);
    expect(linesOf(`${file}.1`)).toHaveLength(1);
  });

  it('loses lines but no requests when its file cannot be written', async () => {
    const one = await rig.http((_request, response) => response.end('ok'));
    const { port } = await rig.balancer({ upstreams: [one.url], access_log: '/nowhere/access.log' });
    for (let at = 0; at < 3; at += 1) expect((await raw(port, GET, /ok$/)).status).toBe(200);
  });
});

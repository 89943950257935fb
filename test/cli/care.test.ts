/** `vitrine balancer` and `vitrine cache` over the control socket of a real balancer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { openControlSocket } from '../../src/stack/balancer/care/control-socket.ts';
import { cacheConfig } from '../../src/stack/cache/config.ts';
import { openResponseCache } from '../../src/stack/cache/open-response-cache.ts';
import { Rig } from '../stack/balancer/rig.ts';

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let rig: Rig;
let socket: string;
let upstream: string;
let out = '';
let err = '';

async function vitrine(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  [out, err] = ['', ''];
  process.stdout.write = (text: string) => ((out += text), true);
  process.stderr.write = (text: string) => ((err += text), true);
  try {
    return { code: await runCommandLine([...args, '--socket', socket]), out, err };
  } finally {
    streams.forEach((stream, at) => (stream.write = originals[at]));
  }
}

beforeEach(async () => {
  rig = new Rig();
  const service = await rig.http((_request, response) => {
    response.writeHead(200, { 'Cache-Control': 'max-age=60' }).end('x');
  });
  upstream = new URL(service.url).host;
  const opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
  if (opened === undefined) throw new Error('the response cache is enabled by default');
  rig.add(async () => opened[Symbol.asyncDispose]());
  const { balancer, port } = await rig.balancer(
    { routes: [{ name: 'shop', upstreams: [service.url] }] },
    { responseCache: opened.cache, cacheCare: opened.care },
  );
  await (await fetch(`http://127.0.0.1:${port}/a`)).text();
  const directory = mkdtempSync(path.join(tmpdir(), 'vitrine-care-'));
  rig.add(() => rmSync(directory, { recursive: true }));
  socket = path.join(directory, 'control.sock');
  rig.add(await openControlSocket(socket, (call) => balancer.care(call)));
});
afterEach(() => rig[Symbol.asyncDispose]());

describe('vitrine balancer', () => {
  it('drains, weighs and undrains an upstream, shows each change and how to take it back', async () => {
    expect(await vitrine('balancer', 'drain', upstream)).toMatchObject({
      code: 0,
      out: `drain ${upstream}: false -> true\n`,
      err: expect.stringContaining('/undrain {}'),
    });
    expect((await vitrine('balancer', 'status')).out).toMatch(/^shop\n {2}\S+ +drained +weight 1 {2}at work 0\n/);
    expect((await vitrine('balancer', 'undrain', upstream)).code).toBe(0);
    expect((await vitrine('balancer', 'weight', upstream, '7')).out).toBe(`weight ${upstream}: 1 -> 7\n`);
    const { out: status } = await vitrine('balancer', 'status');
    expect(status).toContain('weight 7');
    expect(status.match(/, by control socket/g)).toHaveLength(3);
    expect(JSON.parse((await vitrine('balancer', 'status', '--json')).out)).toMatchObject({
      routes: [{ name: 'shop' }],
    });
  });

  it('puts a route into maintenance', async () => {
    expect((await vitrine('balancer', 'maintenance', 'shop', 'on')).out).toBe('maintenance shop: false -> true\n');
    expect((await vitrine('balancer', 'status')).out).toContain('shop  (maintenance)');
    expect((await vitrine('balancer', 'maintenance', 'shop', 'off')).code).toBe(0);
  });

  it('says what is wrong', async () => {
    expect(await vitrine('balancer', 'weight', upstream, 'x')).toMatchObject({ code: 2 });
    const unknown = await vitrine('balancer', 'drain', 'nowhere:1');
    expect(unknown.code).not.toBe(0);
    expect(unknown.err).toContain(upstream);
    socket += '.gone';
    expect((await vitrine('balancer', 'status')).code).toBe(4);
  });
});

describe('vitrine cache', () => {
  it('shows what is stored and purges it', async () => {
    expect(JSON.parse((await vitrine('cache', 'stats')).out)).toMatchObject({ entries: 1 });
    expect((await vitrine('cache', 'purge', '--prefix', '/')).out).toBe('1 purged\n');
    expect(JSON.parse((await vitrine('cache', 'stats', '--json')).out)).toMatchObject({ entries: 0 });
    expect((await vitrine('cache', 'purge', '--tag', 'none', '--json')).out).toContain('"purged":0');
    expect((await vitrine('cache', 'purge')).code).toBe(2);
  });
});

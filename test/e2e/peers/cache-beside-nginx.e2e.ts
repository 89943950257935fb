/** What reaches the origin when many clients ask for one key, beside nginx with `proxy_cache_lock` in the same run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { cacheConfig } from '../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../src/stack/cache/open-response-cache.ts';
import { Rig } from '../../stack/balancer/rig.ts';
import { freshDir, missingPrograms, neededProgram, startProgram, untilReady } from '../../support/program.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const MISSING = missingPrograms('the cache beside nginx', 'nginx');
const CLIENTS = 200;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(port: number, target: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port,
      path: target,
      headers: { host: 'shop.test', ...headers },
      agent: false,
    });
    asked.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

describe.skipIf(MISSING.length > 0)('many clients for one key', () => {
  const rig = new Rig();
  const seen: IncomingMessage[] = [];
  const held: (() => void)[] = [];
  let respond: (asked: IncomingMessage, answer: ServerResponse, count: number) => unknown = (_asked, answer) =>
    void answer.end();
  const peers: { readonly name: string; readonly port: number }[] = [];

  beforeAll(async () => {
    const origin = await rig.http((asked, answer) => {
      if (asked.url === '/readyz') answer.end();
      else respond(asked, answer, seen.push(asked));
    });
    const opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    if (opened === undefined) throw new Error('the cache is disabled');
    rig.add(async () => opened[Symbol.asyncDispose]());
    const { port } = await rig.balancer(
      { upstreams: [origin.url], trusted_proxies: ['127.0.0.1'], ejection: { failures: 0 } },
      { responseCache: opened.cache },
    );
    peers.push({ name: 'vitrine', port });

    const dir = freshDir('vitrine-nginx');
    const nginxPort = await freePort();
    for (const name of ['cache', 'temp']) mkdirSync(path.join(dir, name));
    writeFileSync(
      path.join(dir, 'nginx.conf'),
      `daemon off; user root; pid ${dir}/pid; error_log ${dir}/error.log; worker_processes 1; events { worker_connections 1024; }
      http { access_log off; proxy_cache_path ${dir}/cache keys_zone=k:1m; proxy_temp_path ${dir}/temp;
        client_body_temp_path ${dir}/temp; server { listen 127.0.0.1:${nginxPort};
        location / { proxy_pass ${origin.url}; proxy_http_version 1.1; proxy_cache k; proxy_cache_lock on; proxy_cache_key $uri; } } }`,
    );
    const nginx = startProgram(
      neededProgram('nginx'),
      ['-c', path.join(dir, 'nginx.conf'), '-e', path.join(dir, 'error.log')],
      {
        ownDir: dir,
      },
    );
    rig.add(async () => nginx[Symbol.asyncDispose]());
    await untilReady(nginx, [`http://127.0.0.1:${nginxPort}/readyz`]);
    peers.push({ name: 'nginx', port: nginxPort });
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const release = (): void => {
    for (const one of held.splice(0)) one();
  };
  const hits = (target: string): number => seen.filter(({ url }) => url === target).length;
  const all = (port: number, target: string, headers?: Record<string, string>): Promise<Answer>[] =>
    Array.from({ length: CLIENTS }, () => get(port, target, headers));

  it('ask the origin once after one 503', async () => {
    respond = (asked, answer) => {
      if (hits(asked.url ?? '') === 1) {
        answer.writeHead(503).end();
        return;
      }
      answer.setHeader('Cache-Control', 'max-age=60');
      held.push(() => answer.end('x'));
    };
    for (const { name, port } of peers) {
      const target = `/failed-${name}`;
      expect((await get(port, target)).status).toBe(503);
      const answers = all(port, target);
      await until(() => held.length > 0);
      release();
      expect((await Promise.all(answers)).filter(({ status }) => status === 200)).toHaveLength(CLIENTS);
      expect([name, hits(target)]).toEqual([name, 2]);
    }
  });

  it('ask the origin once when all of them have an old copy', async () => {
    respond = (asked, answer) => {
      answer.setHeader('Cache-Control', 'max-age=60').setHeader('ETag', '"1"');
      if (asked.headers['if-none-match'] === '"1"') answer.statusCode = 304;
      held.push(() => answer.end(answer.statusCode === 304 ? undefined : 'x'));
    };
    for (const { name, port } of peers) {
      const target = `/conditional-${name}`;
      const answers = all(port, target, { 'If-None-Match': '"1"' });
      await until(() => held.length > 0);
      release();
      const found = await Promise.all(answers);
      expect(found.filter(({ status, headers }) => status === 304 && headers.etag === '"1"')).toHaveLength(CLIENTS);
      expect([name, hits(target)]).toEqual([name, 1]);
    }
  });

  it('get the answer although the first of them left in the middle of it', async () => {
    respond = (_asked, answer) => {
      answer.writeHead(200, { 'Cache-Control': 'max-age=60', 'Content-Length': '200000' });
      answer.write('x'.repeat(100_000));
      held.push(() => answer.end('y'.repeat(100_000)));
    };
    for (const { name, port } of peers) {
      const target = `/left-${name}`;
      const first = request({ host: '127.0.0.1', port, path: target, headers: { host: 'shop.test' }, agent: false });
      const began = new Promise((resolve) => first.on('response', (response) => response.once('data', resolve)));
      first.on('error', () => {}).end();
      await began;
      const others = [get(port, target), get(port, target)];
      // The others have asked once another request, sent after them, has been answered.
      await get(port, '/readyz');
      first.destroy();
      await get(port, '/readyz');
      release();
      for (const { body } of await Promise.all(others)) expect(body).toHaveLength(200_000);
      expect([name, hits(target)]).toEqual([name, 1]);
    }
  });

  it('are all answered, each by the origin, when nothing may be kept', async () => {
    respond = (_asked, answer) => answer.setHeader('Cache-Control', 'no-store').end('x');
    const [{ port }] = peers;
    const answers = await Promise.all(all(port, '/never'));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(hits('/never')).toBe(CLIENTS);
  });

  it('share an answer behind a terminator of TLS, by its scheme and host', async () => {
    respond = (asked, answer) =>
      answer
        .setHeader('Cache-Control', 'max-age=60')
        .end(`${String(asked.headers['x-forwarded-proto'])}://${String(asked.headers['x-forwarded-host'])}`);
    const [{ port }] = peers;
    const by = (scheme: string, host: string): Record<string, string> => ({
      'X-Forwarded-Proto': scheme,
      'X-Forwarded-Host': host,
    });
    for (const [scheme, host] of [
      ['https', 'a.test'],
      ['http', 'a.test'],
      ['https', 'b.test'],
    ]) {
      await get(port, '/tls', by(scheme, host));
      const second = await get(port, '/tls', by(scheme, host));
      expect(second.body).toBe(`${scheme}://${host}`);
      expect(second.headers['cache-status']).toContain('vitrine; hit');
    }
    const told = { Forwarded: 'for=192.0.2.1;proto=https;host="a.test"' };
    expect((await get(port, '/tls', told)).body).toBe('https://a.test');
    expect(hits('/tls')).toBe(3);
    const torn = await get(port, '/tls', { ...told, 'X-Forwarded-Host': 'b.test' });
    expect(torn.headers['cache-status']).toContain('fwd=bypass');
  });
});

/** The switch `compress`: which answers are compressed, how, and that their bytes and their timing stay right. */
import { get as httpGet, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import * as zlib from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNginx } from '../../../support/http/proxy-peers.ts';
import { programPath } from '../../../support/program.ts';
import { until } from '../../../support/until.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { cacheConfig } from '../../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../../src/stack/cache/open-response-cache.ts';
import { Encoder, freeEncoders } from '../../../../src/stack/balancer/client/encoder.ts';
import { negotiate } from '../../../../src/stack/balancer/routes/compression.ts';
import { raw, Rig, settled, talk } from '../rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  br: zlib.brotliDecompressSync,
  zstd: zlib.zstdDecompressSync,
  gzip: zlib.gunzipSync,
};

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly bytes: Buffer;
  readonly trailers: IncomingMessage['trailers'];
  /** The body without its coding. */
  readonly text: string;
}

function ask(port: number, target: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path: target, method, headers, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(parts);
          const coding = response.headers['content-encoding'];
          const decode = coding === undefined || bytes.length === 0 ? undefined : DECODERS[coding];
          const { statusCode: status = 0, headers: fields, trailers } = response;
          resolve({ status, headers: fields, bytes, trailers, text: (decode?.(bytes) ?? bytes).toString() });
        });
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const LONG = JSON.stringify(Array.from({ length: 400 }, (_, id) => ({ id, name: `customer ${id}` })));
const all = { 'Accept-Encoding': 'gzip, deflate, br, zstd' };
const gzip = { 'Accept-Encoding': 'gzip' };

/** Answers of an upstream by path: fields and body. */
const ANSWERS: Readonly<Record<string, readonly [fields: Record<string, string>, body: string, status?: number]>> = {
  '/json': [{ 'Content-Type': 'application/json', ETag: '"v1"', 'Accept-Ranges': 'bytes' }, LONG],
  '/html': [{ 'Content-Type': 'text/html; charset=utf-8', ETag: 'W/"v1"', Vary: 'Origin' }, LONG],
  '/problem': [{ 'Content-Type': 'Application/Problem+JSON' }, LONG, 500],
  '/varies': [{ 'Content-Type': 'text/plain', Vary: 'Origin, accept-encoding' }, LONG],
  '/small': [{ 'Content-Type': 'application/json' }, '{"a":1}'],
  '/empty': [{ 'Content-Type': 'text/plain' }, ''],
  '/image': [{ 'Content-Type': 'image/png' }, LONG],
  '/untyped': [{}, LONG],
  '/encoded': [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'deflate' }, 'x'.repeat(2000)],
  '/fixed': [{ 'Content-Type': 'text/plain', 'Cache-Control': 'public, no-transform', ETag: '"f"' }, LONG],
  '/digest': [{ 'Content-Type': 'text/plain', 'Content-Digest': 'sha-256=:AA==:' }, LONG],
  '/part': [{ 'Content-Type': 'text/plain', 'Content-Range': `bytes 0-${LONG.length - 1}/99999` }, LONG, 206],
  '/events': [{ 'Content-Type': 'text/event-stream' }, LONG],
};

const answers: RequestListener = (request, response) => {
  const [fields, body, status = 200] = ANSWERS[(request.url ?? '').split('?')[0]] ?? [{}, ''];
  response.writeHead(status, { ...fields, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
};

async function balancer(listener: RequestListener = answers, compress: unknown = true) {
  const { url, port: inner } = await rig.http(listener);
  return { ...(await rig.balancer({ routes: [{ upstreams: [url], compress }] })), inner };
}

describe('the coding', () => {
  it.each([
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP, Br', 'br'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.9', 'gzip'],
    ['br;q=0, *', 'zstd'],
    ['*;q=0.1', 'br'],
    ['*', 'br'],
    ['br;q=0.000, zstd;q=0, gzip;q=0', undefined],
    ['*;q=0', undefined],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['identity;q=0', undefined],
    ['deflate', undefined],
    ['gzip;q=2, zstd;q=0.001', 'zstd'],
    ['gzip;level=1', undefined],
    ['gzip ; q=0.5 , , zstd;q=0.4', 'gzip'],
    ['', undefined],
  ] as const)('for "%s" is %s', (accept, coding) => {
    expect(negotiate(accept, ['br', 'zstd', 'gzip'])).toBe(coding);
  });

  it('is the first of the route among those that the client accepts equally', () => {
    expect(negotiate('gzip, br, zstd', ['zstd', 'gzip'])).toBe('zstd');
    expect(negotiate('br', ['zstd', 'gzip'])).toBeUndefined();
  });

  it.each(['br', 'zstd', 'gzip'])('%s gives back the same body, shorter, with its length', async (coding) => {
    const { port } = await balancer();
    const { headers, bytes, text } = await ask(port, '/json', { 'Accept-Encoding': coding });
    expect(headers).toMatchObject({
      'content-encoding': coding,
      vary: 'Accept-Encoding',
      etag: 'W/"v1"',
      'content-length': String(bytes.length),
    });
    expect(headers).not.toHaveProperty('accept-ranges');
    expect(text).toBe(LONG);
    expect(bytes.length).toBeLessThan(LONG.length / 3);
  });
});

describe('an answer', () => {
  it('is compressed by its type, whatever its status, and keeps a weak ETag and its other variants', async () => {
    const { port } = await balancer();
    const html = await ask(port, '/html', gzip);
    expect([html.headers['content-encoding'], html.headers['etag'], html.headers['vary']]).toEqual([
      'gzip',
      'W/"v1"',
      'Origin, Accept-Encoding',
    ]);
    const problem = await ask(port, '/problem', gzip);
    expect([problem.status, problem.headers['content-encoding'], problem.text]).toEqual([500, 'gzip', LONG]);
    expect((await ask(port, '/varies', gzip)).headers['vary']).toBe('Origin, accept-encoding');
  });

  it.each(['/small', '/empty', '/image', '/untyped', '/encoded', '/fixed', '/digest', '/part', '/events'])(
    'for %s passes as the upstream sent it',
    async (target) => {
      const { port, inner } = await balancer();
      const [ours, theirs] = [await ask(port, target, all), await ask(inner, target, all)].map(
        ({ status, headers: { etag, vary, ...headers }, bytes }) => ({
          status,
          etag,
          vary,
          coding: headers['content-encoding'],
          length: headers['content-length'],
          bytes,
        }),
      );
      expect(ours).toEqual(theirs);
    },
  );

  it('that could be compressed says so to clients that get it as it is', async () => {
    const { port } = await balancer();
    for (const headers of [
      {} as Record<string, string>,
      { 'Accept-Encoding': 'identity' },
      { 'Accept-Encoding': 'gzip;q=0' },
    ]) {
      const plain = await ask(port, '/json', headers);
      expect(plain.headers).toMatchObject({
        vary: 'Accept-Encoding',
        etag: '"v1"',
        'accept-ranges': 'bytes',
        'content-length': String(LONG.length),
      });
      expect(plain.headers).not.toHaveProperty('content-encoding');
    }
    const asked = await ask(port, '/json', { ...all, 'Cache-Control': 'no-transform' });
    expect(asked.headers).not.toHaveProperty('content-encoding');
    const old = await raw(port, 'GET /json HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n');
    expect(old.text).toContain(LONG);
  });

  it('to HEAD has the fields of GET and no body; a 304 names the tag that the client holds', async () => {
    const { port } = await balancer((request, response) => {
      if (request.headers['if-none-match'] === 'W/"v1"') response.writeHead(304, { ETag: '"v1"' }).end();
      else answers(request, response);
    });
    const [head, got] = [await ask(port, '/json', all, 'HEAD'), await ask(port, '/json', all)];
    for (const name of ['content-encoding', 'vary', 'etag', 'content-type'])
      expect(head.headers[name]).toBe(got.headers[name]);
    expect([head.headers['content-length'], head.bytes.length]).toEqual([undefined, 0]);
    expect((await ask(port, '/small', all, 'HEAD')).headers['content-length']).toBe('7');
    const same = await ask(port, '/json', { ...all, 'If-None-Match': 'W/"v1"' });
    expect([same.status, same.headers['etag'], same.headers['vary']]).toEqual([304, 'W/"v1"', 'Accept-Encoding']);
  });

  it('is chosen by the codings, the size and the types of the route', async () => {
    const { port } = await balancer(answers, { codings: ['gzip'], min_size: '1B', types: ['image/*'] });
    expect((await ask(port, '/image', all)).headers['content-encoding']).toBe('gzip');
    expect((await ask(port, '/json', all)).headers).not.toHaveProperty('content-encoding');
    const off = await balancer(answers, false);
    expect((await ask(off.port, '/json', all)).headers).not.toHaveProperty('vary');
  });
});

describe('a body that comes in pieces', () => {
  it.each(['br', 'zstd', 'gzip'])('reaches the client piece by piece with %s', async (coding) => {
    let more: (() => void) | undefined;
    const { port } = await balancer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/x-ndjson', Trailer: 'X-Sum' });
      response.write('{"n":1}\n');
      more = () => {
        response.addTrailers({ 'X-Sum': '2' });
        response.end('{"n":2}\n');
      };
    });
    const streams = { br: zlib.createBrotliDecompress, zstd: zlib.createZstdDecompress, gzip: zlib.createGunzip };
    let text = '';
    const response = await new Promise<IncomingMessage>((resolve) => {
      httpGet({ host: '127.0.0.1', port, headers: { 'Accept-Encoding': coding }, agent: false }, resolve);
    });
    response.pipe(streams[coding as 'br']()).on('data', (part: Buffer) => (text += part.toString()));
    await until(() => text === '{"n":1}\n');
    more?.();
    await until(() => text === '{"n":1}\n{"n":2}\n' && response.complete);
    expect(response.trailers).toMatchObject({ 'x-sum': '2' });
  });

  it('is held back while its client does not read, and its head is not', async () => {
    let sent = 0;
    const noise = Buffer.from(
      Array.from({ length: 48 * 1024 }, () => String.fromCharCode(33 + Math.random() * 90)).join(''),
    );
    const { port } = await balancer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      const pump = (): void => {
        while (sent < 100_000_000 && !response.destroyed) {
          sent += noise.length;
          if (!response.write(noise)) break;
        }
        if (!response.destroyed && sent < 100_000_000) response.once('drain', pump);
        else response.end();
      };
      pump();
    });
    const slow = talk(rig, port, 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n');
    await until(() => slow.text() !== '');
    slow.socket.pause();
    expect(await settled(() => sent)).toBeLessThan(40_000_000);
    expect(slow.text()).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('frees its encoder when the client leaves, and is cut when the upstream breaks off', async () => {
    let breakOff: (() => void) | undefined;
    const { port } = await balancer((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.write(LONG);
      breakOff = () => response.destroy();
    });
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n';
    for (let at = 0; at < 140; at += 1) {
      const client = talk(rig, port, request);
      await until(() => client.text().includes('\r\n\r\n'));
      client.socket.destroy();
    }
    await until(() => freeEncoders() === 128);
    const cut = talk(rig, port, request);
    await until(() => cut.text().includes('gzip\r\n') && cut.text().includes('\r\n\r\n'));
    breakOff?.();
    await cut.ended;
    expect(cut.text()).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('is sent as it is while too many are being compressed', async () => {
    const { port } = await balancer();
    const ignored = { onEncoded: () => {}, onEncodedAll: () => {}, onEncodingFailed: () => {} };
    const held: Encoder[] = [];
    while (freeEncoders() > 0) held.push(new Encoder('gzip', ignored));
    expect(held.length).toBeGreaterThan(0);
    const plain = await ask(port, '/json', gzip);
    for (const one of held) one.destroy();
    expect([plain.headers['content-encoding'], plain.headers['vary'], plain.headers['etag']]).toEqual([
      undefined,
      'Accept-Encoding',
      '"v1"',
    ]);
    expect((await ask(port, '/json', gzip)).headers['content-encoding']).toBe('gzip');
  });
});

describe('with the response cache', () => {
  it('one stored answer serves every coding, validates weak tags, and is compressed however long it is', async () => {
    await using opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    if (opened === undefined) throw new Error('the response cache is enabled by default');
    let asked = 0;
    const huge = LONG.repeat(60);
    const { url } = await rig.http((request, response) => {
      asked += 1;
      const fields = { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=600', ETag: '"c"' };
      response.writeHead(200, fields).end(request.url === '/huge' ? huge : LONG);
    });
    const { port } = await rig.balancer(
      { routes: [{ upstreams: [url], compress: true }] },
      { responseCache: opened.cache },
    );
    const first = await ask(port, '/', { 'Accept-Encoding': 'br' });
    expect([first.headers['content-encoding'], first.text]).toEqual(['br', LONG]);
    for (const coding of ['gzip', 'zstd', 'br', 'identity']) {
      const { headers, text } = await ask(port, '/', { 'Accept-Encoding': coding });
      expect([headers['content-encoding'], text]).toEqual([coding === 'identity' ? undefined : coding, LONG]);
      expect(headers['cache-status']).toMatch(/hit/);
    }
    const same = await ask(port, '/', { 'Accept-Encoding': 'br', 'If-None-Match': 'W/"c"' });
    expect([same.status, same.headers['etag']]).toEqual([304, 'W/"c"']);
    expect(asked).toBe(1);
    for (let at = 0; at < 2; at += 1) expect((await ask(port, '/huge', gzip)).text).toBe(huge);
    expect(asked).toBe(2);
    const part = await ask(port, '/', { ...gzip, Range: 'bytes=0-99' });
    expect([part.status, part.headers['content-encoding'], part.text]).toEqual([206, undefined, LONG.slice(0, 100)]);
  });
});

describe.skipIf(programPath('nginx') === undefined)('beside nginx', () => {
  it('compresses the same answers, with the same fields', async () => {
    const { port, inner } = await balancer(answers, { codings: ['gzip'], types: ['application/json', 'text/*'] });
    const rules =
      'gzip on; gzip_vary on; gzip_proxied any; gzip_min_length 1024; gzip_http_version 1.1; gzip_types application/json text/plain;';
    const peer = await startNginx([inner], rules);
    if (peer === undefined) throw new Error('nginx did not start');
    rig.add(async () => peer[Symbol.asyncDispose]());
    for (const target of ['/json', '/html', '/varies', '/small', '/image', '/encoded', '/events'])
      for (const accept of ['gzip', 'gzip;q=0', 'br, gzip;q=0.5', 'identity']) {
        const [ours, theirs] = await Promise.all(
          [port, peer.port].map(async (one) => {
            const { headers, text } = await ask(one, target, { 'Accept-Encoding': accept });
            // nginx names Accept-Encoding twice when the upstream names it too.
            const varies = (headers['vary'] ?? '').toLowerCase().includes('accept-encoding');
            const { 'content-encoding': coding, etag, 'accept-ranges': ranges } = headers;
            return { target, accept, coding, etag, ranges, varies, text };
          }),
        );
        expect(ours).toEqual(theirs);
      }
  });
});

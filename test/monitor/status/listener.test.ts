import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { statusListener } from '../../../src/monitor/status/listener.ts';
import { until } from '../../support/until.ts';
import { HOSTILE } from './hostile.ts';
import { down, HAND, incident, NOW, statusRig, up, type Rig } from './rig.ts';

const first = { atMs: NOW, stage: 'investigating', text: 'We look.' } as const;
const page = { components: [{ name: 'Shop', targets: ['shop'] }] };
let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve({ publisher }: Rig): Promise<string> {
  server = createServer(statusListener(publisher));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('files with tags, compression and a strict policy; nothing else', async () => {
  await using rig = statusRig(page);
  rig.targets.known.set('shop', up);
  const base = await serve(rig);
  const plain = await fetch(`${base}/?utm=1`, { headers: { 'accept-encoding': 'identity' } });
  expect(plain.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
  expect(plain.headers.get('content-security-policy')).not.toMatch(/script-src|unsafe/);
  const tag = plain.headers.get('etag') ?? '';
  const text = await plain.text();
  const zipped = await fetch(`${base}/index.html`);
  expect(zipped.headers.get('content-encoding')).toBe('gzip');
  expect(await zipped.text()).toBe(text);
  expect(zipped.headers.get('etag')).not.toBe(tag);
  for (const known of [tag, zipped.headers.get('etag') ?? '', `"x", W/${tag}`, '*']) {
    const same = await fetch(base, { headers: { 'if-none-match': known } });
    expect([same.status, await same.text()]).toEqual([304, '']);
  }
  const head = await fetch(base, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  for (const [path, type] of [
    ['/feed.atom', 'application/atom+xml'],
    ['/badge/shop/state.svg', 'image/svg+xml'],
    ['/status.json', 'application/json'],
  ]) {
    expect((await fetch(base + path)).headers.get('content-type')).toContain(type);
  }
  for (const path of [
    '/404.html',
    '/api/targets',
    '/..%2f',
    '//index.html',
    '/INDEX.HTML',
    '/__proto__',
    '/incidents/',
  ]) {
    expect((await fetch(base + path)).status).toBe(404);
  }
  const refused = await fetch(base, { method: 'POST', body: 'x' });
  expect([refused.status, refused.headers.get('allow'), refused.headers.get('connection')]).toEqual([
    405,
    'GET, HEAD',
    'close',
  ]);
});

test('no gzip for those who refuse it', async () => {
  await using rig = statusRig(page);
  const base = await serve(rig);
  for (const [asked, coding] of [
    ['gzip;q=0', null],
    ['br, GZIP;q=0.5', 'gzip'],
    ['x-gzip', null],
    ['', null],
  ]) {
    const answer = await fetch(base, { headers: { 'accept-encoding': asked ?? '' } });
    expect([asked, answer.headers.get('content-encoding')]).toEqual([asked, coding]);
    await answer.body?.cancel();
  }
});

test('one look at the targets serves all readers of some seconds; a change shows at the next look', async () => {
  await using rig = statusRig(page);
  rig.targets.known.set('shop', up);
  const files = rig.publisher.files();
  rig.targets.known.set('shop', down);
  expect(rig.publisher.files()).toBe(files);
  await rig.clock.moveTo(NOW + 16_000);
  // The reader does not wait for the newer page.
  expect(rig.publisher.files()).toBe(files);
  await until(() => rig.publisher.files() !== files);
  expect(rig.publisher.files()?.get('index.html')?.bytes.toString()).toContain('Some systems are down');
  const told = rig.publisher.files();
  await rig.notices.create(incident(), first, HAND, NOW);
  expect(rig.publisher.files()).toBe(told);
  await until(() => rig.publisher.files()?.get('index.html')?.bytes.includes('Card payments') === true);
  await rig.clock.moveTo(NOW + 600_000);
  rig.targets.known.set('shop', up);
  // A page that nobody has read for a while is made anew before it is given.
  expect(rig.publisher.files()?.get('badge/shop/state.svg')?.bytes.toString()).toContain('Shop: disturbed');
});

test('a page that cannot be renewed stays; one that was never made says so', async () => {
  await using rig = statusRig(page);
  rig.targets.known.set('shop', up);
  rig.targets.failing = true;
  const base = await serve(rig);
  const early = await fetch(base);
  expect([early.status, early.headers.get('retry-after'), await early.text()]).toEqual([
    503,
    '5',
    'The status page has no figures yet.\n',
  ]);
  expect((await fetch(base)).status).toBe(503);
  rig.targets.failing = false;
  await rig.clock.moveTo(NOW + 61_000);
  const text = await (await fetch(base)).text();
  rig.targets.failing = true;
  await rig.clock.moveTo(NOW + 3_600_000);
  const later = await fetch(base);
  expect([later.status, await later.text()]).toEqual([200, text]);
  // One of the start, however many ask, and one of the hour after.
  expect(rig.errors).toHaveLength(2);
});

test('names of targets, of people and of alerts are in no answer, header or error', async () => {
  await using rig = statusRig({ components: [{ name: 'Shop', targets: ['inner-published', 'inner-absent'] }] });
  rig.targets.known.set('inner-published', down).set('inner-unpublished', down);
  const origin = { by: 'inner-ada', alert: '0123456789abcdef', follow: true };
  const { id } = await rig.notices.create(incident({ components: ['Shop', 'inner-component'] }), first, origin, NOW);
  const base = await serve(rig);
  const paths = [...(rig.publisher.files()?.keys() ?? [])].map((path) => `/${path}`);
  expect(paths).toContain(`/incidents/${id}.html`);
  const asked = [...paths, '/', '/inner-published', '/badge/inner-published/state.svg', '/api/targets/inner-published'];
  for (const path of asked) {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      const answer = await fetch(base + path, { method });
      const all = JSON.stringify([...answer.headers]) + (await answer.text());
      expect(all).not.toMatch(/inner-|0123456789abcdef/);
    }
  }
});

test('200 hostile names and texts are text in HTML, XML and SVG', async () => {
  const names = HOSTILE.slice(0, 100);
  await using rig = statusRig({
    title: HOSTILE[2],
    components: names.map((name, at) => ({ name, description: HOSTILE[199 - at], targets: ['shop'] })),
  });
  rig.targets.known.set('shop', down);
  await Promise.all(
    HOSTILE.map((text, at) =>
      rig.notices.create(
        incident({ title: text, components: names.slice(0, at % 3) }),
        { ...first, text },
        HAND,
        NOW - at,
      ),
    ),
  );
  const tags =
    /<(?!\/?(?:!doctype|html|head|meta|title|link|style|body|header|main|footer|h1|h2|h3|p|a|b|bdi|div|span|section|article|ul|ol|li|details|summary|table|thead|tbody|tr|th|td|time|svg|g|rect|path|circle|text|feed|entry|id|published|updated|author|name|category|content|\?xml)[\s>/])/;
  for (const [path, text] of rig.publisher.texts()) {
    if (path === 'status.json') JSON.parse(text);
    else {
      expect(path + (tags.exec(text.replace('<?xml', ''))?.[0] ?? '')).toBe(path);
      // Values of attributes are in quotes; whatever is outside of them must not be a handler.
      const outside = text.replaceAll(/"[^"]*"/g, '""');
      expect(path + (/<[^>]*\son\w+=[^>]*>/i.exec(outside)?.[0] ?? '')).toBe(path);
      expect(/[^\t\n\r\u{20}-\u{fffd}\u{10000}-\u{10ffff}]/u.test(text)).toBe(false);
    }
  }
});

/** `vitrine top` beside a monitor that comes and goes, and its frames in windows of every size. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutTo, drawn } from '../../src/cli/screen.ts';
import { frameOf, top } from '../../src/cli/top.ts';
import type { AlertsAnswer, CurrentFigures } from '../../src/monitor/api/contract.ts';
import { until } from '../support/until.ts';

const FIGURES = {
  balancer: {
    requests_per_second: 12.5,
    average_seconds: 0.0123,
    p50_seconds: 0.01,
    p95_seconds: 2.5,
    p99_seconds: null,
    error_ratio: 0.01,
  },
  server: null,
  cache: null,
  queue_size: null,
  components: [
    { component: 'monitor', uptime_seconds: 61 },
    { component: 'a\nUpstream b', uptime_seconds: 61 },
  ],
  upstreams: [{ upstream: 'http://a\u202E/', up: false, requests_per_second: 1 }],
} as unknown as CurrentFigures;
const ALERTS = {
  alerts: [
    { state: 'firing', severity: 'critical', name: 'Down', annotations: { summary: 'two\nlines \u001b[31m' } },
    { state: 'resolved', severity: 'critical', name: 'Old', annotations: {} },
  ],
} as unknown as AlertsAnswer;

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let [out, err] = ['', ''];
let server: Server | undefined;
let status = 200;

beforeEach(() => {
  [out, err, status] = ['', '', 200];
  process.stdout.write = (text: string) => ((out += text), true);
  process.stderr.write = (text: string) => ((err += text), true);
});
afterEach(async () => {
  streams.forEach((stream, at) => (stream.write = originals[at]));
  await stop();
});

async function serve(port = 0): Promise<number> {
  const started = createServer((request, response) => {
    response.statusCode = status;
    response.setHeader('connection', 'close');
    response.end(JSON.stringify(request.url === '/api/metrics' ? FIGURES : ALERTS));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(port, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
}

async function stop(): Promise<void> {
  const stopped = server;
  server = undefined;
  if (stopped !== undefined) await new Promise((resolve) => stopped.close(resolve));
}

const frames = (): number => out.split('Real-Time Metrics Dashboard:').length - 1;

describe('top', () => {
  it('goes on when the monitor is back, and says meanwhile that it waits', async () => {
    const port = await serve();
    const abort = new AbortController();
    const options = { once: false, json: false, intervalMs: 5, signal: abort.signal };
    const running = top({ url: `http://127.0.0.1:${port}` }, options);
    await until(
      () => frames() > 0 || undefined,
      10_000,
      () => 'no frame',
    );
    await stop();
    await until(
      () => err !== '' || undefined,
      10_000,
      () => 'no message',
    );
    const before = frames();
    await serve(port);
    await until(
      () => frames() > before || undefined,
      10_000,
      () => 'no further frame',
    );
    status = 503;
    await until(
      () => err.split('\n').length > 2 || undefined,
      10_000,
      () => 'no second message',
    );
    abort.abort();
    await running;
    expect(err).toBe(`http://127.0.0.1:${port} does not answer; the figures go on when it does.\n`.repeat(2));
  });

  it('fails at once when nothing has answered yet, with --once, and without the right token', async () => {
    const abort = new AbortController();
    const options = { once: false, json: false, intervalMs: 5, signal: abort.signal };
    const port = await serve();
    const client = { url: `http://127.0.0.1:${port}` };
    status = 401;
    await expect(top(client, options)).rejects.toMatchObject({ code: 'unauthorized' });
    await stop();
    await expect(top(client, options)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(top(client, { ...options, once: true })).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('shows units, and no character that a terminal obeys', () => {
    const lines = frameOf(FIGURES, ALERTS).map((line) => line.text);
    expect(lines.filter((line) => /\p{Cc}/u.test(line))).toEqual([]);
    const text = lines.join('\n');
    expect(text).toContain('Average Response Time: 12.3 ms (p50 10 ms, p95 2.5 s, p99 –)');
    expect(text).toContain('Upstream http://a\\u202e/: DOWN, 1 req/s');
    expect(text).toContain('critical: Down: two lines \\u001b[31m');
    expect(text).not.toContain('Old');
  });
});

describe('a frame in place', () => {
  const plain = (text: string): string => text.replaceAll(/\p{Cc}\[[HJK]/gu, '');

  it('fits the window, whatever its size', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 200 })
      .map((text) => ({ text: text.replaceAll(/\p{Cc}/gu, '') }));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 60 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 50 }),
        (lines, columns, rows) => {
          const shown = plain(drawn(lines, { columns, rows })).split('\n');
          expect(shown.length).toBeLessThanOrEqual(Math.max(2, rows));
          for (const one of shown)
            expect(Array.from(one.replaceAll(/[\p{Mn}\p{Me}\p{Cf}]/gu, '')).length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  it('says how many lines it leaves out, and counts wide characters twice', () => {
    const lines = ['a', 'b', 'c', 'd'].map((text) => ({ text }));
    expect(plain(drawn(lines, { columns: 80, rows: 4 }))).toBe('a\nb\n… 2 more lines; enlarge the window\n');
    expect(plain(drawn(lines, { columns: 80, rows: 5 }))).toBe('a\nb\nc\nd\n');
    expect(drawn([{ text: 'abc', paint: (text) => `<${text}>` }], { columns: 2, rows: 9 })).toContain('<a…>\u001b[K');
    expect([cutTo('日本語', 6), cutTo('日本語', 5), cutTo('abc', 0), cutTo('e\u0301e\u0301', 2)]).toEqual([
      '日本語',
      '日本…',
      '',
      'e\u0301e\u0301',
    ]);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { context, logs as api, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { anything, assert, dictionary, property, string } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { Out } from '../../../src/telemetry/logs/log-console.ts';
import { createConsole, prettyLine } from '../../../src/telemetry/logs/log-console.ts';
import { LogFile } from '../../../src/telemetry/logs/log-file.ts';
import { createLogs } from '../../../src/telemetry/logs/logs.ts';
import { RingLogProcessor } from '../../../src/telemetry/road/record-buffer.ts';
import { isCardNumber, isSecretKey, redactFields, redactText } from '../../../src/telemetry/logs/redact.ts';
import { resetApi } from '../collector.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'vitrine-logs-'));
});
afterEach(() => {
  resetApi();
  rmSync(directory, { recursive: true, force: true });
});

function clockAt(iso: string): Clock & { set: (iso: string) => void } {
  let now = Date.parse(iso);
  return { now: () => now, monotonic: () => now, after: () => () => {}, set: (text) => (now = Date.parse(text)) };
}

function memory(): { out: Out; text: () => string } {
  let text = '';
  const out = new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString()), done()) });
  return { out: out as unknown as Out, text: () => text };
}

const lines = (file: string): Record<string, unknown>[] =>
  readFileSync(path.join(directory, file), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('createLogs', () => {
  it('writes JSON lines with levels, context and trace, and errors to a second file too', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const ring = new RingLogProcessor(10);
    api.setGlobalLoggerProvider(new LoggerProvider({ processors: [ring] }));
    const clock = clockAt('2026-01-02T03:04:05.006Z');
    const logs = createLogs({ level: 'info', directory, console: { kind: 'off' }, clock, base: { service: 'shop' } });
    const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    logs.logger.debug({}, 'unseen');
    logs.logger.child({ request: 'r1' }).info({ n: 1, password: 'p' }, 'said\nin two lines');
    context.with(trace.setSpanContext(ROOT_CONTEXT, span), () =>
      logs.logger.error({ error: new Error('bad') }, 'failed'),
    );
    await logs.close();
    expect(lines('vitrine.ndjson')).toEqual([
      {
        level: 'info',
        time: '2026-01-02T03:04:05.006Z',
        service: 'shop',
        request: 'r1',
        n: 1,
        password: '[REDACTED]',
        msg: 'said\nin two lines',
      },
      expect.objectContaining({
        level: 'error',
        trace_id: 'a'.repeat(32),
        span_id: 'b'.repeat(16),
        trace_flags: '01',
        error: expect.objectContaining({ type: 'Error', message: 'bad' }) as unknown,
      }),
    ]);
    expect(lines('error.ndjson').map(({ msg }) => msg)).toEqual(['failed']);
    const { items } = ring.buffer.drain();
    expect(items.map(({ body, severityText, severityNumber }) => ({ body, severityText, severityNumber }))).toEqual([
      { body: 'said\nin two lines', severityText: 'INFO', severityNumber: 9 },
      { body: 'failed', severityText: 'ERROR', severityNumber: 17 },
    ]);
    expect(items[1].spanContext?.traceId).toBe('a'.repeat(32));
    expect(JSON.stringify(items.map(({ attributes }) => attributes))).not.toContain('"p"');
  });

  it('keeps the line when a field throws', () => {
    const { out, text } = memory();
    const { logger } = createLogs({ level: 'debug', console: { kind: 'json', out } });
    const cyclic: Record<string, unknown> = { big: 1n, when: new Date(Number.NaN), f: () => 1 };
    cyclic['self'] = cyclic;
    logger.warn({ cyclic, ['__proto__']: { polluted: 1 } }, 'one');
    logger.warn(
      {
        get bad() {
          throw new Error('getter');
        },
      },
      'two',
    );
    const [one, two] = text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(one).toMatchObject({ msg: 'one', cyclic: { big: '1', when: 'Invalid Date', self: '[circular]' } });
    expect(two).toMatchObject({ msg: 'two' });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is readable on a terminal, with control characters escaped', () => {
    const { out, text } = memory();
    const clock = clockAt('2026-01-02T03:04:05.006Z');
    const { logger } = createLogs({ level: 'debug', console: { kind: 'pretty', out }, clock });
    logger.warn({ path: '/a', what: '\u001b[2J' }, 'first\r\nforged');
    expect(text()).toBe('03:04:05.006 WARN  first\\u000d\\u000aforged path=/a what="\\u001b[2J"\n');
    expect(prettyLine('info', 0, 'm', {}, true)).toContain('\u001b[32mINFO');
  });
});

describe('LogFile', () => {
  it('rotates by size and by day, keeps the last files as gzip, and loses no line', async () => {
    const clock = clockAt('2026-01-01T10:00:00Z');
    const open = (): LogFile =>
      new LogFile({ file: path.join(directory, 'a.b.ndjson'), maxSizeBytes: 100, keep: 2, clock });
    const written: string[] = [];
    for (let day = 1; day <= 5; day += 1) {
      clock.set(`2026-01-0${day}T1${day}:00:00Z`);
      const file = open();
      for (const text of [`${day}-first-${'x'.repeat(40)}\n`, `${day}-second-${'y'.repeat(40)}\n`]) {
        file.write(text);
        written.push(text);
      }
      await file.close();
      expect(file.dropped).toBe(0);
    }
    const names = readdirSync(directory).sort();
    const finished = names.filter((name) => name.endsWith('.gz'));
    expect(finished).toHaveLength(2);
    expect(names).toHaveLength(3);
    const kept = finished.map((name) => gunzipSync(readFileSync(path.join(directory, name))).toString()).join('');
    const tail = kept + readFileSync(path.join(directory, 'a.b.ndjson'), 'utf8');
    expect(written.join('').endsWith(tail)).toBe(true);
    expect(tail).toContain('5-second');
  });

  it('counts lines that a full disk does not accept and continues', async () => {
    const file = new LogFile({ file: '/dev/full', maxSizeBytes: 1e9, keep: 1, clock: clockAt('2026-01-01T00:00:00Z') });
    file.write('lost\n');
    await expect.poll(() => file.dropped).toBeGreaterThan(0);
    file.write('lost too\n');
    await file.close();
  });

  it('drops beyond its buffer', async () => {
    const file = new LogFile({
      file: path.join(directory, 'f'),
      maxSizeBytes: 1e9,
      keep: 1,
      clock: clockAt('2026-01-01T00:00:00Z'),
      maxBufferBytes: 1_000,
    });
    for (let i = 0; i < 100; i += 1) file.write(`${'z'.repeat(99)}\n`);
    expect(file.dropped).toBeGreaterThan(50);
    await file.close();
  });
});

describe('the console', () => {
  it('drops lines when nothing reads, and continues after a closed pipe', () => {
    const stuck = new Writable({ highWaterMark: 1, write: () => {} }) as unknown as Out;
    const sink = createConsole(stuck);
    for (let i = 0; i < 30; i += 1) sink.write('x'.repeat(100_000));
    expect(sink.dropped).toBeGreaterThan(10);
    (stuck as unknown as Writable).emit('error', new Error('EPIPE'));
    expect(sink.dropped).toBeGreaterThan(11);
  });

  it('does not block a process whose reader stops or closes', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, '../fixtures/chatty.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
  });
});

describe('redaction', () => {
  it('finds secrets by their keys', () => {
    for (const key of [
      'Authorization',
      'set-cookie',
      'x-api-key',
      'apiKey',
      'dbPassword',
      'client_secret',
      'accessToken',
      'card_number',
    ]) {
      expect(isSecretKey(key)).toBe(true);
    }
    for (const key of ['token_count', 'path', 'author', 'key', 'passenger']) expect(isSecretKey(key)).toBe(false);
    expect(redactFields({ headers: { cookie: 'a=b', accept: 'x' }, list: [{ token: 't' }] })).toEqual({
      headers: { cookie: '[REDACTED]', accept: 'x' },
      list: [{ token: '[REDACTED]' }],
    });
  });

  it('finds secrets by their form', () => {
    expect(redactText('paid with 4111 1111 1111 1111 today')).toBe('paid with [REDACTED] today');
    expect(redactText('order 4111111111111112')).toBe('order 4111111111111112');
    expect(redactText('redis://user:pa55@cache:6379/0 and http://h/a@b:c')).toBe(
      'redis://REDACTED:REDACTED@cache:6379/0 and http://h/a@b:c',
    );
    expect(redactText('Authorization: Bearer abcdef.ghijkl')).toBe('Authorization: Bearer [REDACTED]');
    expect(isCardNumber('4111 1111 1111 1111')).toBe(true);
    expect(isCardNumber('1234')).toBe(false);
  });

  it('bounds depth, breadth and length', () => {
    let deep: object = {};
    for (let i = 0; i < 50; i += 1) deep = { deep };
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]));
    const text = JSON.stringify(
      redactFields({
        deep,
        wide,
        long: 'x'.repeat(1e6),
        list: Array.from({ length: 5_000 }, () => 1),
        bytes: Buffer.alloc(9),
      }),
    );
    expect(text.length).toBeLessThan(25_000);
    expect(text).toContain('[9 bytes]');
  });

  it('never throws, and hides a secret under its key at every depth', () => {
    assert(
      property(
        dictionary(string(), anything({ withBigInt: true, withDate: true, withMap: true, withSet: true })),
        (fields) => {
          const text = JSON.stringify(redactFields({ ...fields, inner: { password: 'hunter2-zz' } }));
          expect(text).not.toContain('hunter2-zz');
        },
      ),
    );
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Attributes, SpanRecord } from '../../../src/model/records.ts';
import { ErrorGroups } from '../../../src/monitor/insight/error-groups.ts';
import { exceptionOfLine, exceptionsOfSpan, normalStack } from '../../../src/monitor/insight/exceptions.ts';
import { JsonFile } from '../../../src/monitor/store/state/json-file.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { lineOf, spanOf } from '../../support/records/plain-records.ts';
import { MemoryLogSink, MemorySpanSink } from '../../support/telemetry/memory-sinks.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const STACK = `TypeError: x is undefined
    at pay (/srv/app/dist/pay.4f3a9c21.js:10:5)
    at async Object.handle [as run] (file:///srv/app/src/server.ts:7:1)
    at /srv/app/node_modules/koa/index.js:1:1
    at node:internal/process/task_queues:103:5`;

const event = (attributes: Attributes): SpanRecord['events'] => [{ name: 'exception', timeUnixNano: 0n, attributes }];
const thrown = (message: string, stack = STACK): SpanRecord['events'] =>
  event({ 'exception.type': 'TypeError', 'exception.message': message, 'exception.stacktrace': stack });

it('takes the alias of a method out of a frame, and no line of a kilobyte for a frame', () => {
  expect(normalStack('at Object.f [as g] (/srv/a.js:1:1)\nat new H [as [as] (/srv/b.js:1:1)')).toEqual([
    'Object.f srv/a.js',
    'H srv/b.js',
  ]);
  expect(normalStack(`at ${'a '.repeat(600)}(/srv/a.js:1:1)`)).toEqual([]);
  const text = `TypeError: x\n${`at ${'[as '.repeat(250)}(x:1:1)\n`.repeat(20_000)}`;
  const line = lineOf({ timeMs: NOW, attributes: {}, body: text, severity: 17 });
  expect(exceptionOfLine(line)?.stack).toHaveLength(16_384);
});

describe('exceptions', () => {
  it('are found in spans and in the lines of known loggers', () => {
    const span = spanOf({ trace: 1, span: 1, startMs: NOW, durationMs: 1, error: true, events: thrown('x') });
    expect(exceptionsOfSpan(span)).toEqual([{ type: 'TypeError', message: 'x', stack: STACK }]);
    const found = (attributes: Attributes, body = 'm', severity = 17): unknown =>
      exceptionOfLine(lineOf({ timeMs: NOW, attributes, body, severity }));
    const expected = { type: 'TypeError', message: 'x', stack: STACK };
    expect(found({ err: { type: 'TypeError', message: 'x', stack: STACK } })).toEqual(expected);
    expect(found({ error: { name: 'TypeError', message: 'x', stack_trace: STACK } })).toEqual(expected);
    expect(found({ exception: { type: 'TypeError', message: 'x', stacktrace: STACK } })).toEqual(expected);
    expect(found({ stack: STACK })).toMatchObject({ type: 'TypeError', message: 'x is undefined' });
    expect(found({}, `failed\n${STACK}`)).toMatchObject({ type: 'TypeError' });
    expect(found({}, `failed\n${STACK}`, 9)).toBeUndefined();
    expect(found({ error: 'text' })).toBeUndefined();
    expect(exceptionsOfSpan({ ...span, events: [], attributes: { 'error.type': '503' } })).toEqual([]);
    expect(exceptionsOfSpan({ ...span, events: [], attributes: { 'error.type': 'Timeout' } })).toMatchObject([
      { type: 'Timeout' },
    ]);
  });

  it('have a stack without lines, hashes, folders and libraries', () => {
    expect(normalStack(STACK)).toEqual(['pay dist/pay.js', 'Object.handle src/server.ts']);
    expect(normalStack('  File "/a/b/c.py", line 3, in f\n  File "/x/site-packages/y.py", line 1, in g')).toEqual([
      'f b/c.py',
    ]);
    expect(normalStack('X: y\n\tat a.B.c(D.java:1)')).toEqual(['a.B.c D.java']);
    expect(normalStack('E\n    at f (/a/node_modules/x/i.js:1:2)')).toEqual(['f x/i.js']);
  });
});

describe('errors as issues', () => {
  it('count a failing trace once, and go from new over resolved to regressed, over a restart', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'vitrine-errors-'));
    const clock = movedClock(NOW);
    const file = new JsonFile(path.join(dir, 'errors.json'));
    const groups = new ErrorGroups(clock, file);
    const spans = groups.spanSink(new MemorySpanSink());
    const lines = groups.logSink(new MemoryLogSink());
    const fail = (trace: number, over: { version?: string; line?: number } = {}): unknown =>
      spans.append([
        spanOf({
          trace,
          span: trace,
          startMs: clock.now(),
          durationMs: 1,
          service: 'shop',
          error: true,
          version: over.version ?? '1',
          events: thrown(`item ${trace}`, STACK.replace('10:5', `${over.line ?? 10}:5`)),
          attributes: { 'user.id': trace % 2 },
        }),
      ]);
    await fail(1);
    await fail(2, { line: 99, version: '2' });
    const traceId = '1'.padStart(32, '0');
    await lines.append([
      lineOf({
        timeMs: NOW,
        service: 'shop',
        traceId,
        severity: 17,
        attributes: { err: { type: 'TypeError', message: 'item 1', stack: STACK } },
      }),
    ]);
    const [issue, ...others] = groups.list();
    expect(others).toEqual([]);
    expect(issue).toMatchObject({
      service: 'shop',
      type: 'TypeError',
      state: 'new',
      count: 2,
      users: 2,
      firstVersion: '1',
      lastVersion: '2',
      frames: ['pay dist/pay.js', 'Object.handle src/server.ts'],
    });
    clock.jump(2 * 86_400_000);
    expect(groups.get(issue.id).state).toBe('open');
    expect((await groups.resolve(issue.id)).state).toBe('resolved');
    const next = new ErrorGroups(clock, file);
    await next.restore();
    expect(next.get(issue.id)).toMatchObject({ state: 'resolved', count: 2, users: 2 });
    const again = next.spanSink(new MemorySpanSink());
    // A span that ended before the issue was resolved comes late and changes nothing.
    await again.append([
      spanOf({ trace: 7, span: 7, startMs: NOW, durationMs: 1, service: 'shop', error: true, events: thrown('late') }),
    ]);
    expect(next.get(issue.id)).toMatchObject({ state: 'resolved', count: 3 });
    clock.jump(1_000);
    await again.append([
      spanOf({
        trace: 8,
        span: 8,
        startMs: clock.now(),
        durationMs: 1,
        service: 'shop',
        error: true,
        events: thrown('back'),
      }),
    ]);
    expect(next.get(issue.id)).toMatchObject({ state: 'regressed', message: 'back' });
    expect((await next.reopen(issue.id)).state).toBe('open');
    expect(() => next.get('none')).toThrow(expect.objectContaining({ code: 'not_found' }));
    await rm(dir, { recursive: true });
  });

  it('are bounded: a resolved issue gives way first', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'vitrine-errors-'));
    const groups = new ErrorGroups(movedClock(NOW), new JsonFile(path.join(dir, 'errors.json')));
    const spans = groups.spanSink(new MemorySpanSink());
    const other = (n: number): unknown =>
      spans.append([
        spanOf({
          trace: n,
          span: n,
          startMs: NOW,
          durationMs: 1,
          error: true,
          service: `s${n}`,
          events: event({ 'exception.type': 'E' }),
        }),
      ]);
    for (let n = 1; n <= 1_000; n += 1) await other(n);
    const { id } = groups.list()[500];
    await groups.resolve(id);
    await other(1_001);
    expect([groups.list().length, groups.evicted]).toEqual([1_000, 1]);
    expect(() => groups.get(id)).toThrow();
    await rm(dir, { recursive: true });
  });
});

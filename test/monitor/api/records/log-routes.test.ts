import { describe, expect, it } from 'vitest';
import type { LogsAnswer, LogView, TracesAnswer } from '../../../../src/monitor/api/contract.ts';
import type {
  FieldsAnswer,
  LogContextAnswer,
  LogHistogramAnswer,
  ValuesAnswer,
} from '../../../../src/monitor/api/records/contract.ts';
import { Tail } from '../../../../src/monitor/search/tail.ts';
import { StoredSpans } from '../../../../src/monitor/search/stored-sources.ts';
import { ArrayRecords } from '../../../support/records/array-records.ts';
import type { AppendResult } from '../../../../src/model/ports.ts';
import type { LogRecord, SpanRecord } from '../../../../src/model/records.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { startPageServer, type PageServer } from '../../../support/page/page-server.ts';
import { lineOf, spanOf } from '../../../support/records/plain-records.ts';
import { until } from '../../../support/until.ts';

const NOW = 1_800_000_000_000;
const clock = movedClock(NOW);

interface Rig extends AsyncDisposable {
  readonly server: PageServer;
  readonly tail: Tail;
  get(path: string): Promise<{ readonly status: number; readonly body: unknown }>;
}

async function rig(lines: readonly LogRecord[], spans: readonly SpanRecord[] = []): Promise<Rig> {
  const stored = new ArrayRecords();
  const tail = new Tail(stored.logSink);
  await tail.append(lines);
  stored.add('traces', spans);
  const overrides = { spans: new StoredSpans(stored, clock), records: stored, tail };
  const server = await startPageServer({ clock, kind: 'empty', overrides });
  return {
    server,
    tail,
    async get(path: string) {
      const answer = await fetch(`${server.url}${path}`);
      return { status: answer.status, body: await answer.json() };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const lines = Array.from({ length: 100 }, (_, at) =>
  lineOf({
    timeMs: NOW - 60_000 + at * 500,
    body: at % 10 === 0 ? 'card declined' : 'payment done',
    service: at % 2 === 0 ? 'checkout' : 'cart',
    severity: at % 10 === 0 ? 17 : 9,
    attributes: { user: { id: at % 7 }, status: at % 10 === 0 ? 502 : 200, took_ms: at },
  }),
);

describe('GET /api/logs', () => {
  it('finds lines by the grammar, newest first, page by page', async () => {
    await using it = await rig(lines);
    const q = encodeURIComponent('service:checkout level:>=warn "card declined" status:5xx');
    const first = (await it.get(`/api/logs?q=${q}&limit=6`)).body as LogsAnswer;
    expect(first).toMatchObject({ complete: true, more: true, scanned: { records: 50 } });
    expect(first.logs.map(({ attributes }) => attributes.took_ms)).toEqual([90, 80, 70, 60, 50, 40]);
    // Each resource once.
    expect(first.resources).toEqual([{ 'service.name': 'checkout' }]);
    expect(first.logs.map(({ resource }) => resource)).toEqual([0, 0, 0, 0, 0, 0]);
    const both = (await it.get('/api/logs?limit=2')).body as LogsAnswer;
    expect(both.logs.map(({ resource }) => both.resources[resource])).toEqual([
      { 'service.name': 'cart' },
      { 'service.name': 'checkout' },
    ]);
    const second = (await it.get(`/api/logs?q=${q}&limit=6&cursor=${first.next}`)).body as LogsAnswer;
    expect(second.logs.map(({ attributes }) => attributes.took_ms)).toEqual([30, 20, 10, 0]);
    expect(second).toMatchObject({ next: null, more: false });
    const within = (await it.get(`/api/logs?q=${q}&from=now-30s&to=now-15s`)).body as LogsAnswer;
    expect(within.logs.map(({ attributes }) => attributes.took_ms)).toEqual([80, 70, 60]);
  });

  it('takes the older parameters as conditions', async () => {
    await using it = await rig(lines);
    const body = (await it.get('/api/logs?service=checkout&level=error&attribute=user.id=4&q=card')).body as LogsAnswer;
    expect(body.logs.map(({ attributes }) => attributes.took_ms)).toEqual([60]);
    expect((await it.get('/api/logs?trace_id=abc')).body).toMatchObject({ logs: [] });
  });

  it.each([
    ['q=status:%3E', 'query_invalid', 'position 9'],
    ['q=(a', 'query_invalid', 'position 1'],
    ['from=yesterday', 'bad_request', '"from" must be a time'],
    ['from=now&to=now-1h', 'bad_request', 'before "to"'],
    ['cursor=abc', 'bad_request', 'cursor'],
    ['limit=1001', 'bad_request', 'limit'],
    ['level=loud', 'bad_request', 'level'],
    ['attribute=x', 'bad_request', 'name=value'],
    ['around=abc', 'bad_request', 'cursor'],
    [`q=${'a'.repeat(5_000)}`, 'query_invalid', 'longer than'],
  ])('refuses %s', async (query, code, fact) => {
    await using it = await rig([]);
    const { status, body } = await it.get(`/api/logs?${query}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code, detail: expect.stringContaining(fact) as string });
  });

  it('shows the context of a line', async () => {
    await using it = await rig(lines);
    const found = ((await it.get('/api/logs?q=took_ms:50')).body as LogsAnswer).logs[0];
    const context = (await it.get(`/api/logs?around=${found.id}&before=2&after=1`)).body as LogContextAnswer;
    expect(context.logs.map(({ attributes }) => attributes.took_ms)).toEqual([52, 50, 48, 46]);
    const gone = Buffer.from('1.1').toString('base64url');
    expect((await it.get(`/api/logs?around=${gone}`)).status).toBe(404);
  });
});

describe('counts over lines', () => {
  it('are a histogram by level and step', async () => {
    await using it = await rig(lines);
    const body = (await it.get('/api/logs/histogram?from=now-60s&to=now&step=10000')).body as LogHistogramAnswer;
    expect(body).toMatchObject({ step_ms: 10_000, total: 100, complete: true });
    expect(body.levels).toEqual({ error: [2, 2, 2, 2, 2, 0], info: [18, 18, 18, 18, 18, 0] });
    const usual = (await it.get('/api/logs/histogram?q=level:error')).body as LogHistogramAnswer;
    expect(usual.step_ms).toBe(60_000);
    expect(usual.levels['error'].reduce((sum, count) => sum + count)).toBe(10);
  });

  it('are the fields with type, cardinality and bytes', async () => {
    await using it = await rig(lines);
    const { fields } = (await it.get('/api/logs/fields?q=service:cart')).body as FieldsAnswer;
    const of = (name: string): unknown => fields.find((field) => field.name === name);
    expect(of('took_ms')).toEqual({
      name: 'took_ms',
      type: 'number',
      records: 50,
      cardinality: 50,
      exact: true,
      bytes: 95,
    });
    expect(of('user')).toMatchObject({ type: 'number', cardinality: 7 });
    expect(of('service')).toMatchObject({ type: 'text', cardinality: 1, records: 50 });
  });

  it('are the values of a field, most frequent first', async () => {
    await using it = await rig(lines);
    const body = (await it.get('/api/logs/values?field=status&limit=5')).body as ValuesAnswer;
    expect(body).toMatchObject({
      values: [
        { value: '200', count: 90 },
        { value: '502', count: 10 },
      ],
      cardinality: 2,
      total: 100,
      present: 100,
    });
    const levels = (await it.get('/api/logs/values?field=level&q=card')).body as ValuesAnswer;
    expect(levels.values).toEqual([{ value: 'error', count: 10 }]);
    expect((await it.get('/api/logs/values?field=none')).body as ValuesAnswer).toMatchObject({
      values: [],
      present: 0,
    });
    expect((await it.get('/api/logs/values')).status).toBe(400);
  });
});

describe('a live tail', () => {
  it('sends matching lines as they come, until the client leaves', async () => {
    await using it = await rig([]);
    const leave = new AbortController();
    const answer = await fetch(`${it.server.url}/api/logs?follow=true&q=level:error`, { signal: leave.signal });
    expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
    expect(it.tail.followers).toBe(1);
    await it.tail.append(lines.slice(0, 25));
    const text = new TextDecoder();
    let sent = '';
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      sent += text.decode(chunk, { stream: true });
      if (sent.split('\n').length > 3) break;
    }
    const views = sent
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogView);
    expect(views.map(({ attributes }) => attributes.took_ms)).toEqual([0, 10, 20]);
    // The ids are those of a search.
    const { logs: stored } = (await it.get('/api/logs?q=level:error&limit=3')).body as LogsAnswer;
    expect(views.map(({ id }) => id)).toEqual(stored.map(({ id }) => id).toReversed());
    leave.abort();
    await until(() => it.tail.followers === 0);
  });

  it('passes on lines that the store refuses, without an id, and the refusal', async () => {
    const results = [
      Promise.reject(new Error('the disk is full')),
      Promise.resolve({ accepted: 1, rejected: [], numberOf: (at: number) => (at === 0 ? undefined : 40) }),
    ];
    const tail = new Tail({ append: () => results.shift() as Promise<AppendResult> });
    using follower = tail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs: NOW });
    await expect(tail.append(lines.slice(0, 1))).rejects.toThrow('the disk is full');
    expect(await tail.append(lines.slice(1, 3))).toMatchObject({ accepted: 1 });
    const { lines: came } = await follower.next(new AbortController().signal);
    expect(came.map(({ record }) => record)).toEqual(lines.slice(0, 3));
    expect(came.map(({ position }) => position?.sequence)).toEqual([undefined, undefined, 40]);
  });

  it('drops the oldest waiting lines of a client that does not read, and says how many', async () => {
    const tail = new Tail(new ArrayRecords().logSink);
    using follower = tail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs: NOW });
    for (let at = 0; at < 15; at += 1) await tail.append(lines);
    const { lines: waiting, dropped } = await follower.next(new AbortController().signal);
    expect([waiting.length, dropped]).toEqual([1_000, 500]);
    await expect(
      Promise.resolve().then(() =>
        Array.from({ length: 32 }, () =>
          tail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs: NOW }),
        ),
      ),
    ).rejects.toMatchObject({ code: 'too_many_requests' });
  });
});

describe('GET /api/traces', () => {
  const spans = Array.from({ length: 30 }, (_, at) => [
    spanOf({
      trace: at + 1,
      span: 2 * at + 1,
      startMs: NOW - 30_000 + at * 100,
      durationMs: 10 * (at + 1),
      name: 'GET /pay',
      error: at % 5 === 0,
    }),
    spanOf({
      trace: at + 1,
      span: 2 * at + 2,
      parent: 2 * at + 1,
      startMs: NOW - 30_000 + at * 100 + 1,
      durationMs: 2,
      name: 'SELECT',
      attributes: { 'db.rows': at },
    }),
  ]).flat();

  it('finds traces by a filter over their spans', async () => {
    await using it = await rig([], spans);
    const get = async (query: string): Promise<TracesAnswer> =>
      (await it.get(`/api/traces?${query}`)).body as TracesAnswer;
    const page = await get('q=db.rows:>=20&limit=4');
    expect(page.traces.map(({ durationMs }) => durationMs)).toEqual([300, 290, 280, 270]);
    expect(page.traces[0].spans).toBe(2);
    const rest = await get(`q=db.rows:>=20&limit=10&cursor=${page.next}`);
    expect(rest.traces.map(({ durationMs }) => durationMs)).toEqual([260, 250, 240, 230, 220, 210]);
    expect(rest.next).toBeNull();
    expect((await get('q=SELECT&sort=duration&limit=2')).traces.map(({ durationMs }) => durationMs)).toEqual([
      300, 290,
    ]);
    expect((await get('q=SELECT&sort=spread&limit=6')).traces).toHaveLength(6);
    expect((await get('q=SELECT&errors=true&min_duration_ms=200')).traces.map(({ durationMs }) => durationMs)).toEqual([
      260, 210,
    ]);
    expect((await it.get('/api/traces?q=a&sort=size')).status).toBe(400);
    const within = await get('min_duration_ms=100&max_duration_ms=120&complete=true');
    expect(within.traces.map(({ durationMs, whole }) => [durationMs, whole])).toEqual([
      [120, true],
      [110, true],
      [100, true],
    ]);
    // A condition on the whole trace has pages too, and the same page twice is the same.
    const first = await get('errors=true&limit=2');
    expect(first.traces.map(({ durationMs }) => durationMs)).toEqual([260, 210]);
    expect(await get('errors=true&limit=2')).toEqual(first);
    expect((await get(`errors=true&limit=2&cursor=${first.next}`)).traces.map(({ durationMs }) => durationMs)).toEqual([
      160, 110,
    ]);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArrayRecords } from '../../../support/records/array-records.ts';
import type { LogRecord, SpanRecord } from '../../../../src/model/records.ts';
import type { TracesAnswer } from '../../../../src/monitor/api/contract.ts';
import type {
  AnalyticsAnswer,
  CompareAnswer,
  ErrorsAnswer,
  MapAnswer,
  PatternsAnswer,
} from '../../../../src/monitor/api/records/contract.ts';
import { ErrorGroups } from '../../../../src/monitor/insight/error-groups.ts';
import { LogPatterns } from '../../../../src/monitor/insight/log-patterns.ts';
import { Tail } from '../../../../src/monitor/search/tail.ts';
import { JsonFile } from '../../../../src/monitor/store/state/json-file.ts';
import { StoredSpans } from '../../../../src/monitor/search/stored-sources.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { startPageServer, type PageServer } from '../../../support/page/page-server.ts';
import { lineOf, spanOf } from '../../../support/records/plain-records.ts';
import { mulberry32 } from '../../../support/records/seeded.ts';

const NOW = 1_800_000_000_000;
const clock = movedClock(NOW);
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'vitrine-insight-'));
});
afterAll(() => rm(dir, { recursive: true }));

async function rig(
  lines: readonly LogRecord[],
  spans: readonly SpanRecord[] = [],
): Promise<{ server: PageServer; ask: (target: string, method?: string) => Promise<unknown> } & AsyncDisposable> {
  const stored = new ArrayRecords();
  const tail = new Tail(stored.logSink);
  const errors = new ErrorGroups(clock, new JsonFile(path.join(dir, 'errors.json')));
  const patterns = new LogPatterns({
    sink: errors.logSink(tail),
    clock,
    file: new JsonFile(path.join(dir, 'p.json')),
    onNew: () => {},
  });
  await patterns.append(lines);
  await errors.spanSink(stored.spanSink).append(spans);
  const overrides = { spans: new StoredSpans(stored, clock), records: stored, tail, patterns, errors };
  const server = await startPageServer({ clock, kind: 'empty', overrides });
  return {
    server,
    async ask(target, method = 'GET') {
      return (await fetch(`${server.url}${target}`, { method })).json();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe('figures over lines', () => {
  const random = mulberry32(5);
  const lines = Array.from({ length: 3_000 }, (_, at) => {
    const status = random() < 0.1 ? 500 : 200;
    return lineOf({
      timeMs: NOW - 299_000 + at * 99,
      body: 'request completed',
      service: ['shop', 'cart'][at % 2],
      severity: status === 500 ? 17 : 9,
      attributes: {
        req: { method: 'GET', url: `/items?page=${at}` },
        res: { statusCode: status },
        responseTime: Math.round(random() * 1e4) / 10,
        user: { id: `u${Math.floor(random() * random() * 50)}` },
      },
    });
  });

  it('equal a script over the raw lines', async () => {
    await using it = await rig(lines);
    const answer = (await it.ask('/api/logs/analytics')) as AnalyticsAnswer;
    const script = (service: string): unknown => {
      const own = lines.filter(({ resource }) => resource.attributes['service.name'] === service);
      const times = own.map(({ attributes }) => attributes['responseTime'] as number).sort((a, b) => a - b);
      const at = (share: number): number => times[Math.ceil(share * times.length) - 1];
      return {
        service,
        endpoint: '/items',
        requests: own.length,
        errors: own.filter(({ severityNumber }) => severityNumber === 17).length,
        mean_ms: expect.closeTo(times.reduce((sum, ms) => sum + ms, 0) / times.length, 6) as number,
        p50_ms: at(0.5),
        p95_ms: at(0.95),
        p99_ms: at(0.99),
      };
    };
    expect(answer.endpoints.toSorted((a, b) => (a.service < b.service ? -1 : 1))).toEqual([
      script('cart'),
      script('shop'),
    ]);
    const users = new Map<string, number>();
    for (const { attributes } of lines) {
      const { id } = attributes['user'] as { id: string };
      users.set(id, (users.get(id) ?? 0) + 1);
    }
    expect(answer.users).toMatchObject({ distinct: users.size, exact: true });
    for (const { user, requests } of answer.users.top) expect(requests).toBe(users.get(user));
    expect(answer.users.top[0].requests).toBe(Math.max(...users.values()));
    for (const { time_ms: from, lines: count, errors } of answer.trend) {
      const own = lines.filter(({ timeUnixNano }) => {
        const ms = Number(timeUnixNano / 1_000_000n);
        return ms >= from && ms < from + 60_000;
      });
      expect([count, errors]).toEqual([own.length, own.filter(({ severityNumber }) => severityNumber === 17).length]);
    }
    expect(answer.trend.reduce((sum, { lines: count }) => sum + count, 0)).toBe(3_000);
    expect(answer.services.map(({ lines: count }) => count)).toEqual([1_500, 1_500]);
  });

  it('are patterns whose counts add up to the lines', async () => {
    const mixed = Array.from({ length: 200 }, (_, at) =>
      lineOf({
        timeMs: NOW - 5_000 + at,
        body: at % 4 === 0 ? `card ${at} declined` : `order ${at} placed by ann`,
        version: '1.2',
      }),
    );
    await using it = await rig(mixed);
    const all = (await it.ask('/api/logs/patterns')) as PatternsAnswer;
    expect(all.patterns.map(({ template, count, share, version }) => [template, count, share, version])).toEqual([
      ['order <*> placed by ann', 150, 0.75, '1.2'],
      ['card <*> declined', 50, 0.25, '1.2'],
    ]);
    const some = (await it.ask('/api/logs/patterns?q=ann&limit=1&from=now-4900ms')) as PatternsAnswer;
    expect(some.total).toBe(some.patterns[0].count + some.others);
    expect(some.total).toBe(75);
  });
});

it('the trend over a long range has a bounded number of steps', async () => {
  await using it = await rig([lineOf({ timeMs: NOW - 5_000 })]);
  const { step_ms: step, trend } = (await it.ask('/api/logs/analytics?from=0')) as AnalyticsAnswer;
  expect(NOW / step).toBeLessThanOrEqual(2_000);
  expect(trend).toHaveLength(1);
  expect(await it.ask('/api/logs/analytics?from=now-1h&step=1000')).toMatchObject({ code: 'bad_request' });
  expect(await it.ask('/api/logs/analytics?from=now-1h')).toMatchObject({ step_ms: 60_000 });
});

it('an order other than by time is of the newest traces, and the answer says back to when', async () => {
  const spans = Array.from({ length: 2_005 }, (_, at) =>
    spanOf({ trace: at + 1, span: 1, startMs: NOW - 10_000 + at, durationMs: at === 0 ? 900 : 1 }),
  );
  await using it = await rig([], spans);
  // The slowest trace is older than the newest 2,000, so it is not among those that were compared.
  const slowest = (await it.ask('/api/traces?q=*&sort=duration&limit=5')) as TracesAnswer;
  expect(slowest).toMatchObject({ complete: false, reached_ms: NOW - 9_995, next: null });
  const few = await it.ask(`/api/traces?q=*&sort=duration&limit=5&to=${NOW - 9_000}`);
  expect(few).toMatchObject({ complete: true, traces: [{ durationMs: 900 }, {}, {}, {}, {}] });
  expect(await it.ask('/api/traces?q=*&limit=5')).toMatchObject({ complete: true });
  const compared = await it.ask('/api/traces/compare?q=duration:%3C100ms');
  expect(compared).toMatchObject({ selection: 1_000, complete: false, reached_ms: NOW - 8_995 });
});

describe('figures over spans', () => {
  const traces = Array.from({ length: 60 }, (_, n) => {
    const slow = n % 3 === 0;
    const at = { trace: n + 1, startMs: NOW - 60_000 + n * 100 };
    const id = 10 * n;
    return [
      spanOf({
        ...at,
        span: id + 1,
        service: 'gate',
        kind: 'server',
        name: 'GET /pay',
        durationMs: slow ? 900 : 20,
        attributes: { 'user.tier': slow ? 'gold' : 'free' },
        error: slow,
      }),
      spanOf({
        ...at,
        span: id + 2,
        parent: id + 1,
        service: 'gate',
        kind: 'client',
        durationMs: slow ? 890 : 15,
        error: slow,
      }),
      spanOf({
        ...at,
        span: id + 3,
        parent: id + 2,
        service: 'pay',
        kind: 'server',
        durationMs: slow ? 880 : 10,
        error: slow,
        events: slow
          ? [
              {
                name: 'exception',
                timeUnixNano: 0n,
                attributes: { 'exception.type': 'DeclinedError', 'exception.message': `card ${n}` },
              },
            ]
          : [],
      }),
      spanOf({
        ...at,
        span: id + 4,
        parent: id + 3,
        service: 'pay',
        kind: 'client',
        name: 'SELECT',
        durationMs: 5,
        attributes: { 'db.system.name': 'sqlite', 'db.namespace': 'cards' },
      }),
    ];
  }).flat();

  it('are the map, the errors, the comparison, and what one trace says', async () => {
    await using it = await rig([], traces);
    const map = (await it.ask('/api/map')) as MapAnswer;
    expect(
      map.edges.map(({ client, server, calls, error_ratio: ratio }) => [client, server, calls, Math.round(ratio * 60)]),
    ).toEqual([
      ['gate', 'pay', 60, 20],
      ['pay', 'cards', 60, 0],
      ['user', 'gate', 60, 20],
    ]);
    expect(map.nodes).toContainEqual({ name: 'cards', kind: 'database' });
    expect(map).toMatchObject({ complete: true, spans: 240, omitted: 0 });
    const compared = (await it.ask('/api/traces/compare?q=duration:%3E500ms')) as CompareAnswer;
    expect(compared).toMatchObject({ selection: 20, baseline: 40 });
    const box = [NOW - 60_000, NOW, 500, 1_000].join(',');
    const boxed = (await it.ask(`/api/traces/compare?box=${box}`)) as CompareAnswer;
    expect(boxed).toMatchObject({ selection: 20, baseline: 40 });
    expect(boxed.attributes[0]).toMatchObject({ name: 'user.tier' });
    const early = [NOW - 60_000, NOW - 57_001, 500, 1_000].join(',');
    expect(await it.ask(`/api/traces/compare?box=${early}&q=service:gate`)).toMatchObject({
      selection: 10,
      baseline: 50,
    });
    for (const wrong of ['1,2,3', '2,1,0,0', '1,2,3,x']) {
      expect(await it.ask(`/api/traces/compare?box=${wrong}`)).toMatchObject({ code: 'bad_request' });
    }
    expect(compared.attributes[0]).toMatchObject({
      name: 'user.tier',
      values: [{ value: 'gold', selection: 1, baseline: 0 }, {}],
    });
    const named = (await it.ask('/api/traces/compare?q=user.tier:gold&against=user.tier:free')) as CompareAnswer;
    expect(named.attributes.map(({ name }) => name)).not.toContain('user.tier');
    expect(await it.ask('/api/traces/compare')).toMatchObject({ code: 'bad_request' });
    const { errors } = (await it.ask('/api/errors')) as ErrorsAnswer;
    expect(errors).toMatchObject([{ type: 'DeclinedError', service: 'pay', count: 20, state: 'new' }]);
    const [{ id, trace_id: traceId }] = errors;
    expect(await it.ask(`/api/errors/${id}/resolve`, 'POST')).toMatchObject({ state: 'resolved' });
    expect(await it.ask('/api/errors?state=new')).toMatchObject({ errors: [] });
    expect(await it.ask(`/api/errors/${id}/reopen`, 'POST')).toMatchObject({ state: 'new' });
    expect(await it.ask(`/api/errors/${id}`)).toMatchObject({ id, frames: [] });
    const trace = (await it.ask(`/api/traces/${traceId}`)) as {
      criticalPath: { ms: number }[];
      errorOrigins: string[];
    };
    expect(trace.criticalPath.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(900);
    expect(trace.errorOrigins).toHaveLength(1);
  });
});

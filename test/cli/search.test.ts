/** `vitrine logs`, `traces` and `errors` against the real API over records in memory. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { requests } from '../../src/cli/requests.ts';
import { errors as listErrors, logs, traces as listTraces } from '../../src/cli/search.ts';
import { ErrorGroups } from '../../src/monitor/insight/error-groups.ts';
import { forgottenElsewhere } from '../../src/monitor/insight/forgotten.ts';
import { LogPatterns } from '../../src/monitor/insight/log-patterns.ts';
import { Tail } from '../../src/monitor/search/tail.ts';
import { TraceTail } from '../../src/monitor/search/trace-tail.ts';
import { StoredSpans } from '../../src/monitor/search/stored-sources.ts';
import { Forgetting } from '../../src/monitor/search/forget.ts';
import { ArrayRecords } from '../support/records/array-records.ts';
import { JsonFile } from '../../src/monitor/store/state/json-file.ts';
import { startPageServer, type PageServer } from '../support/page/page-server.ts';
import type { Attributes } from '../../src/model/records.ts';
import { lineOf, rowOf, spanOf } from '../support/records/plain-records.ts';
import { until } from '../support/until.ts';

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let out = '';
let err = '';
let dir = '';
let server: PageServer;
let tail: Tail;
let traceTail: TraceTail;
let errors: ErrorGroups;
let stored: ArrayRecords;
let found: ArrayRecords;
let dropped: string[] = [];
const nowMs = Date.now();

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-search-'));
  found = new ArrayRecords();
  dropped = [];
  errors = new ErrorGroups(systemClock, new JsonFile(path.join(dir, 'errors.json')));
  tail = new Tail(found.logSink);
  traceTail = new TraceTail(found.spanSink, systemClock);
  await tail.append(
    Array.from({ length: 1_200 }, (_, at) =>
      lineOf({
        timeMs: nowMs - 60_000 + at,
        body: `line ${at}\u001b[2J`,
        severity: at === 7 ? 17 : 9,
        attributes: { at },
      }),
    ),
  );
  const failed = {
    name: 'exception',
    timeUnixNano: 0n,
    attributes: { 'exception.type': 'DeclinedError', 'exception.message': 'no' },
  };
  const traces = [
    spanOf({
      trace: 1,
      span: 1,
      startMs: nowMs - 5_000,
      durationMs: 250,
      name: 'POST /pay',
      error: true,
      events: [failed],
    }),
    spanOf({ trace: 2, span: 2, startMs: nowMs - 4_000, durationMs: 20, name: 'GET /' }),
  ];
  await errors.spanSink(found.spanSink).append(traces);
  found.add(
    'requests',
    Array.from({ length: 40 }, (_, at) => rowOf(at, nowMs - 30_000 + at * 500)),
  );
  stored = new ArrayRecords();
  const user = (id: number): Attributes => ({ 'user.id': id });
  stored.add(
    'logs',
    [1, 2, 1].map((id) => lineOf({ timeMs: nowMs, attributes: user(id) })),
  );
  stored.add('traces', [spanOf({ trace: 1, span: 1, startMs: nowMs, durationMs: 1, attributes: user(1) })]);
  const patterns = new LogPatterns({
    sink: tail,
    clock: systemClock,
    file: new JsonFile(path.join(dir, 'patterns.json')),
    onNew: () => {},
  });
  const dropTraces = (traceIds: ReadonlySet<string>): void => void dropped.push(...traceIds);
  const forgetting = new Forgetting(stored, systemClock, forgottenElsewhere({ errors, patterns, dropTraces }));
  server = await startPageServer({
    kind: 'empty',
    overrides: { spans: new StoredSpans(found, systemClock), records: found, tail, traceTail, errors, forgetting },
  });
  [out, err] = ['', ''];
  process.stdout.write = (text: string) => ((out += text), true);
  process.stderr.write = (text: string) => ((err += text), true);
});
afterEach(async () => {
  streams.forEach((stream, at) => (stream.write = originals[at]));
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const run = (...args: string[]): Promise<number> => runCommandLine([...args, '--url', server.url]);

describe('vitrine logs', () => {
  it('loses no line that comes while it searches, and prints none twice', async () => {
    const scan = found.scan.bind(found);
    let searches = 0;
    // Before the first look comes a line that the search and the stream have, after it one that only the stream has.
    found.scan = (asked) => {
      searches += 1;
      if (searches > 1) return scan(asked);
      void tail.append([lineOf({ timeMs: nowMs, body: 'fresh before' })]);
      const run = scan(asked);
      void tail.append([lineOf({ timeMs: nowMs, body: 'fresh after' })]);
      return run;
    };
    const stop = new AbortController();
    const flags = { since: '1m', limit: 100, json: false, follow: true };
    const following = logs({ url: server.url }, 'fresh', flags, stop.signal);
    await until(() => out.includes('fresh after'));
    await tail.append([lineOf({ timeMs: nowMs, body: 'fresh last' })]);
    await until(() => out.includes('fresh last'));
    stop.abort();
    await following;
    const bodies = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ').at(-1));
    expect(bodies).toEqual(['fresh before', 'fresh after', 'fresh last']);
  });

  it('prints the newest lines, the newest last, over several pages', async () => {
    expect(await run('logs', 'service:shop', '--limit', '1100')).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(1_100);
    expect(lines[0]).toContain(String.raw`info  shop  line 100\u001b[2J  at=100`);
    expect(lines.at(-1)).toContain('line 1199');
  });

  it('lets no record forge a line of its own', async () => {
    const forged = `${new Date(nowMs).toISOString()} error shop  forged`;
    const service = `shop\n${forged}`;
    await tail.append([
      lineOf({ timeMs: nowMs, body: `of two lines\n${forged}`, service, attributes: { a: `\n${forged}` } }),
    ]);
    found.add('traces', [spanOf({ trace: 9, span: 9, startMs: nowMs - 1, durationMs: 1, name: forged, service })]);
    found.add('requests', [{ ...rowOf(99, nowMs), path: `/\n${forged}`, route: '', method: 'BREW\nTEA' }]);
    expect(await run('logs', 'level:info', '--limit', '1')).toBe(0);
    expect(await run('traces', 'service:shop*', '--limit', '1')).toBe(0);
    expect(await run('requests', 'method:BREW*', '--limit', '1')).toBe(0);
    const lines = out.split('\n');
    expect(lines.filter((line) => line.startsWith(forged))).toEqual([]);
    expect(lines.filter((line) => line.includes('forged')).length).toBeGreaterThan(4);
  });

  it('prints NDJSON, and says when nothing matches', async () => {
    expect(await run('logs', 'level:error', '--json', '--since', '5m', '--until', 'now')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ message: 'line 7\u001b[2J', severity: 'error' });
    expect(await run('logs', 'absent:*')).toBe(0);
    expect(err).toBe('No lines match.\n');
  });

  it('shows the place of a mistake in the filter', async () => {
    expect(await run('logs', 'level:>=loud')).toBe(2);
    expect(err).toContain('position 9: "loud" cannot be compared\n  level:>=loud\n          ^\n');
  });

  it('follows lines until it is interrupted', async () => {
    const stop = new AbortController();
    const client = { url: server.url };
    const following = logs(client, 'new*', { since: '1m', limit: 1, json: false, follow: true }, stop.signal);
    await until(() => tail.followers === 1);
    await tail.append([
      lineOf({ timeMs: nowMs, body: 'old' }),
      lineOf({ timeMs: nowMs, body: 'newest', traceId: 'ab'.repeat(16) }),
    ]);
    await until(() => out.includes('newest'));
    stop.abort();
    await following;
    expect(out).toContain(`trace=${'ab'.repeat(16)}`);
    expect(out).not.toContain('old');
    const flags = { since: '1m', limit: 1, json: false, follow: true };
    await expect(logs(client, '(', flags, new AbortController().signal)).rejects.toThrow('position 2');
    // Interrupted before it began.
    await logs(client, '', flags, stop.signal);
  });
});

it('vitrine traces and errors print tables and JSON', async () => {
  expect(await run('traces', 'duration:>200ms')).toBe(0);
  expect(out).toMatch(
    /start +duration +service +name +spans +errors +trace\n.* 250 ms +shop +POST \/pay +1 +1 +0{31}1\n/,
  );
  out = '';
  expect(await run('traces', 'GET', '--json')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ name: 'GET /' });
  out = '';
  expect(await run('errors', '--service', 'shop', '--state', 'new')).toBe(0);
  expect(out).toMatch(/[0-9a-f]{12} +new +1 .* shop +DeclinedError: no\n/);
  expect(await run('errors', '--service', 'none')).toBe(0);
  expect(await run('traces', 'absent:*')).toBe(0);
  expect(err).toBe('No errors.\nNo traces match.\n');
  out = '';
  expect(await run('errors', '--json')).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ type: 'DeclinedError' });
  expect(await run('logs', '--limit', 'many')).toBe(2);
});

describe('vitrine traces --follow', () => {
  it('prints what is there and what comes, each trace once, however old it is and whatever comes while it searches', async () => {
    const scan = found.scan.bind(found);
    let searches = 0;
    const began = { startMs: Date.now(), durationMs: 3 };
    // Before the first look comes a trace that the search and the stream have, after it one that only the stream has.
    found.scan = (asked) => {
      searches += 1;
      if (searches > 1) return scan(asked);
      void traceTail.append([spanOf({ trace: 3, span: 3, ...began, name: 'both\u001b[2J' })]);
      const run = scan(asked);
      void traceTail.append([spanOf({ trace: 4, span: 4, ...began, name: 'after' })]);
      return run;
    };
    const stop = new AbortController();
    const flags = { since: '1m', limit: 100, json: false, follow: true };
    const following = listTraces({ url: server.url }, 'service:shop', flags, stop.signal);
    await until(() => out.includes('GET /'));
    const late = { startMs: Date.now() - 3_600_000, durationMs: 1 };
    await traceTail.append([
      spanOf({ trace: 5, span: 5, ...late, name: 'late' }),
      spanOf({ trace: 6, span: 6, ...late, name: 'elsewhere', service: 'other' }),
    ]);
    await until(() => out.includes('late'));
    await traceTail.append([spanOf({ trace: 5, span: 7, parent: 5, ...late, name: 'child' })]);
    stop.abort();
    await following;
    await until(() => traceTail.followers === 0);
    const names = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[3]);
    expect(names).toEqual(['POST /pay', 'GET /', String.raw`both\u001b[2J`, 'after', 'late']);
    expect(out).toMatch(/^\S+Z {2}250 ms {2}shop {2}POST \/pay {2}1 {2}1 {2}0{31}1$/m);
    await expect(listTraces({ url: server.url }, '(', flags, new AbortController().signal)).rejects.toThrow(
      'position 2',
    );
  });

  it('counts traces that come faster than they are read', () => {
    using follower = traceTail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs });
    const many = Array.from({ length: 1_005 }, (_, at) =>
      spanOf({ trace: at + 10, span: at + 10, startMs: nowMs, durationMs: 1 }),
    );
    void traceTail.append(many);
    void traceTail.append(many);
    const { traceIds, dropped } = follower.take(Infinity);
    expect([traceIds.length, new Set(traceIds).size, dropped]).toEqual([1_000, 1_000, 5]);
    void traceTail.append(many);
    expect(follower.take(Infinity)).toEqual({ traceIds: [], dropped: 0 });
    const more = Array.from({ length: 15 }, () =>
      traceTail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs }),
    );
    expect(() => traceTail.follow({ syntax: { kind: 'all' }, condition: { kind: 'all' }, nowMs })).toThrow(
      '16 clients',
    );
    for (const one of more) one[Symbol.dispose]();
  });
});

describe('what has no stream', () => {
  const client = (): { url: string } => ({ url: server.url });
  const flags = { since: '1m', limit: 2, follow: true };

  it('prints an error again when it occurred again', async () => {
    const stop = new AbortController();
    const following = listErrors(client(), '', { ...flags, json: true }, { signal: stop.signal, everyMs: 5 });
    const counts = (): number[] =>
      out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { count: number }).count);
    await until(() => counts().length === 1);
    const attributes = { 'exception.type': 'DeclinedError', 'exception.message': 'no' };
    const event = { name: 'exception', timeUnixNano: 0n, attributes };
    const parts = { startMs: Date.now(), durationMs: 1, name: 'POST /pay', error: true, events: [event] };
    await errors.spanSink(found.spanSink).append([spanOf({ trace: 9, span: 9, ...parts })]);
    await until(() => counts().length === 2);
    stop.abort();
    await following;
    expect(counts()).toEqual([1, 2]);
  });

  it('ends at once when it is interrupted, and fails as the search does', async () => {
    const ended = { signal: AbortSignal.abort(), everyMs: 600_000 };
    await listErrors(client(), '', { ...flags, json: false }, ended);
    expect(out).toBe('');
    const going = { signal: new AbortController().signal, everyMs: 600_000 };
    await expect(listErrors(client(), '(', { ...flags, json: false }, going)).rejects.toThrow('position 2');
  });
});

it('vitrine errors takes a filter and a range as the other searches do', async () => {
  expect(await run('errors', 'type:Declined*', 'count:>=1', '--since', '5m', '--limit', '5')).toBe(0);
  expect(out).toContain('DeclinedError: no');
  [out, err] = ['', ''];
  expect(await run('errors', 'type:Declined*', '--since', '2h', '--until', '1h')).toBe(0);
  expect(await run('errors', 'not state:new')).toBe(0);
  expect(await run('errors', 'timeout')).toBe(0);
  expect([out, err]).toEqual(['', 'No errors.\nNo errors.\nNo errors.\n']);
  expect(await run('errors', 'level:>=loud')).toBe(2);
  expect(err).toContain('position 9');
  expect(await run('errors', '--since', '1h', '--until', '2h')).toBe(2);
});

describe('vitrine requests', () => {
  it('follows rows until it is interrupted', async () => {
    const stop = new AbortController();
    const flags = { since: '1m', limit: 1, json: false, follow: true };
    const following = requests({ url: server.url }, 'route:/new', flags, stop.signal);
    const row = rowOf(99, Date.now(), { route: '/new', status: 503, reason: '503' });
    await until(() => {
      // The first look at the ledger only learns what is there already.
      found.add('requests', [row, { ...row, route: '/other' }]);
      return out.includes('/new');
    });
    stop.abort();
    await following;
    expect(out).toMatch(new RegExp(`GET /new  503  .* ms  .*503  ${row.code}  ${row.traceId}\n`));
    expect(out).not.toContain('/other');
    expect(await run('requests', '--follow', '--by', 'route')).toBe(2);
    expect(err).toContain('--follow lists rows');
  });

  it('lists rows, newest first, as a table and as NDJSON', async () => {
    expect(await run('requests', 'status:5xx')).toBe(0);
    expect(out).toMatch(/time +method +route +status +duration +upstream +cache +reason +code +trace\n/);
    expect(out).toMatch(/GET +\/pay +502 +20 ms +up-2 +- +bad_gateway +C0DE0020 +0{30}15\n/);
    expect(out.trimEnd().split('\n')).toHaveLength(5);
    out = '';
    expect(await run('requests', 'route:/pay', '--limit', '2', '--json')).toBe(0);
    expect(
      out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    ).toEqual(['/x/36', '/x/32']);
    out = '';
    expect(await run('requests', '--since', '2h', '--until', '1h')).toBe(0);
    expect([out, err]).toEqual(['', 'No requests match.\n']);
    expect(await run('requests', 'status:>x')).toBe(2);
    expect(err).toContain('position ');
  });

  it('sums them up exactly by fields', async () => {
    expect(await run('requests', '--by', 'route,upstream')).toBe(0);
    const [head, ...lines] = out.trimEnd().split('\n');
    expect(head).toMatch(/^route +upstream +requests +rate +errors +ratio +mean +p50 +p95 +p99 +max$/);
    expect(lines).toHaveLength(6);
    out = '';
    expect(await run('requests', 'status:5xx', '--by', 'route', '--json')).toBe(0);
    const figures = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { by: unknown; requests: number });
    expect(figures).toMatchObject([
      { by: { route: '/list' }, requests: 2, errors: 2, p50: 10, max: 30 },
      { by: { route: '/pay' }, requests: 2, errors: 2, p50: 0, max: 20 },
    ]);
    [out, err] = ['', ''];
    expect(await run('requests', '--by', 'route', '--limit', '1')).toBe(0);
    expect(err).toBe('1 further groups are left out; --limit shows more.\n');
    expect(await run('requests', 'absent:*', '--by', 'route')).toBe(0);
    expect(err).toContain('No requests match.');
    expect(await run('requests', '--by', 'a,b,c,d')).toBe(2);
    expect(await run('requests', '--by', 'colour')).toBe(2);
  });
});

describe('vitrine forget', () => {
  it('says what would go, and deletes it with --yes', async () => {
    expect(await run('forget', 'user.id:1')).toBe(0);
    expect(out).toBe('Would delete 2 log lines, 1 spans and 0 requests.\n');
    expect(stored.stats().logs.records).toBe(3);
    out = '';
    expect(await run('forget', 'user.id:1', '--yes', '--json')).toBe(0);
    expect(JSON.parse(out)).toEqual({ dry_run: false, records: { logs: 2, traces: 1, requests: 0 } });
    expect([stored.stats().logs.records, stored.stats().traces.records]).toEqual([1, 0]);
    // Copies in memory and samples of errors go too.
    expect(dropped).toEqual([`${'0'.repeat(31)}1`]);
    out = '';
    expect(await run('errors', '--json')).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ count: 1, message: '', trace_id: null, users: 0 });
    expect(await run('forget', 'user.id:2', '--yes')).toBe(0);
    expect(err).toContain('Backups, files named *.damaged, followed log files, and what was sent on are as they were.');
    expect(await run('forget', '*')).toBe(2);
    expect(await run('forget', 'level:loud')).toBe(2);
    expect(err).toContain('would delete everything');
  });

  it('takes a token once, for its own filter', async () => {
    const post = async (body: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.url}/api/forget`, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const { token } = (await post({ q: 'user.id:1', dry_run: true })).body;
    expect((await post({ q: 'user.id:2', token })).status).toBe(409);
    expect((await post({ q: 'user.id:1', token })).status).toBe(409);
    expect(stored.stats().logs.records).toBe(3);
    for (const body of [{ q: '' }, { q: 'a' }, { q: 'a', token: 5 }, { q: 'a', dryrun: true }, {}]) {
      expect((await post(body)).status).toBe(400);
    }
  });
});

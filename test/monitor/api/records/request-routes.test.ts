/** The request ledger over HTTP: its rows, exact figures, and one request by its code; and `vitrine explain request`. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { explainRequest } from '../../../../src/cli/explain.ts';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import type {
  RequestAnswer,
  RequestFiguresAnswer,
  RequestsAnswer,
  RequestView,
} from '../../../../src/monitor/api/records/contract.ts';
import { StoredLogs, StoredSpans } from '../../../../src/monitor/search/stored-sources.ts';
import { openRecordStore } from '../../../../src/monitor/store/records/open-record-store.ts';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { startPageServer, type PageServer } from '../../../support/page/page-server.ts';
import { lineOf, rowOf, spanOf } from '../../../support/records/plain-records.ts';
import { removeDirectory, temporaryDirectory } from '../../store/store-fixture.ts';

const NOW = 1_800_000_000_000;
const clock = movedClock(NOW);
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

const row = (at: number, given: Partial<RequestRow> = {}): RequestRow => rowOf(at, NOW - 600_000 + at * 500, given);
const rows = Array.from({ length: 1_000 }, (_, at) => row(at));
let dir: string;
let store: RecordStore;
let server: PageServer;
beforeAll(async () => {
  dir = temporaryDirectory();
  store = openRecordStore({ dir, clock, minFreeBytes: 0 });
  await store.append('requests', rows.slice(0, 600));
  await store.flush();
  await store.append('requests', rows.slice(600));
  const traceId = hex(8, 32);
  const parts = { trace: 8, startMs: NOW - 590_000, durationMs: 5 };
  await store.append('traces', [
    spanOf({ ...parts, span: 1, name: 'GET /list', service: 'shop' }),
    spanOf({ ...parts, span: 2, parent: 1, name: 'SELECT', service: 'db' }),
  ]);
  await store.append('logs', [lineOf({ timeMs: NOW - 590_000, body: 'card declined', traceId })]);
  const spans = new StoredSpans(store, clock);
  server = await startPageServer({
    clock,
    kind: 'empty',
    overrides: { records: store, spans, logs: new StoredLogs(store) },
  });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await store.close();
  removeDirectory(dir);
});

async function get(path: string): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(`${server.url}${path}`);
  const body: unknown = JSON.parse(await answer.text());
  return { status: answer.status, body };
}

describe('GET /api/requests', () => {
  it('lists rows by the grammar, newest first, page by page, each once', async () => {
    const q = encodeURIComponent('route:/pay status:5xx duration:>100ms');
    const wanted = rows.filter((one) => one.route === '/pay' && one.status === 502 && one.durationMs > 100).reverse();
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: string = next === '' ? '' : `&cursor=${next}`;
      const body = (await get(`/api/requests?q=${q}&limit=20${page}`)).body as RequestsAnswer;
      seen.push(...body.requests.map(({ path }) => path));
      expect(body.complete).toBe(true);
      next = body.next;
    }
    expect(seen).toEqual(wanted.map(({ path }) => path));
  });

  it('counts by fields and steps, exactly', async () => {
    const from = NOW - 600_000;
    const body = (await get(`/api/requests/figures?by=route,upstream&from=${from}&to=${NOW}`))
      .body as RequestFiguresAnswer;
    expect(body.figures).toHaveLength(6);
    for (const figure of body.figures) {
      const own = rows.filter((one) => one.route === figure.by['route'] && one.upstream === figure.by['upstream']);
      const sorted = own.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
      const rank = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1];
      const errors = own.filter(({ reason }) => reason !== '').length;
      expect(figure).toMatchObject({
        requests: own.length,
        errors,
        error_ratio: errors / own.length,
        rate: own.length / 600,
        p50: rank(0.5),
        p95: rank(0.95),
        p99: rank(0.99),
        max: sorted[sorted.length - 1],
        mean: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
      });
      expect(figure.phases['queue']).toBe(1);
    }
    const steps = (await get(`/api/requests/figures?step=60000&from=${from}&to=${NOW}`)).body as RequestFiguresAnswer;
    expect(steps.figures.map(({ requests }) => requests)).toEqual([120, 120, 120, 120, 120, 120, 120, 120, 40]);
    expect(steps.figures[1].time_ms).toBe(from + 60_000);
    for (const question of ['by=route,upstream', 'step=60000']) {
      const path = `/api/requests/figures?${question}&from=${from}&to=${NOW}`;
      const whole = (await get(path)).body as RequestFiguresAnswer;
      const durations = ['mean', 'p50', 'p95', 'p99', 'max', 'phases'];
      const counts = whole.figures.map((figure) =>
        Object.fromEntries(Object.entries(figure).filter(([name]) => !durations.includes(name))),
      );
      expect((await get(`${path}&only=counts`)).body).toEqual({ ...whole, figures: counts });
    }
  });

  it('refuses fields that a request does not have, and says how many rows are missing', async () => {
    expect((await get('/api/requests/figures?by=nothing')).status).toBe(400);
    expect((await get('/api/requests/figures?by=route,route')).status).toBe(400);
    expect((await get('/api/requests/figures?only=errors')).status).toBe(400);
    expect(((await get('/api/requests')).body as RequestsAnswer).missing).toBeUndefined();
    store.noteMissing({ atMs: NOW - 5_000, rows: 3, exact: false });
    store.noteMissing({ atMs: NOW - 5_000, rows: 4, exact: true });
    expect(((await get('/api/requests')).body as RequestsAnswer).missing).toEqual({ rows: 7, exact: false });
  });
});

describe('GET /api/requests/{id}', () => {
  it('finds a request by its code, its id or its trace, with its spans and lines', async () => {
    for (const id of ['CODE0007', 'code-ooo7', 'client-id-0007', hex(8, 32)]) {
      const { status, body: given } = await get(`/api/requests/${id}`);
      const body = given as RequestAnswer;
      expect(status, id).toBe(200);
      expect(body.requests).toHaveLength(1);
      expect(body.requests[0].request).toMatchObject({ path: '/x/7', support_code: 'C0DE0007' });
      expect(body.requests[0].services).toEqual(['db', 'shop']);
      expect(body.requests[0].trace?.logs).toHaveLength(1);
    }
    const without = (await get('/api/requests/CODE0700')).body as RequestAnswer;
    expect(without.requests[0]).toMatchObject({ trace: null, services: [] });
    expect((await get('/api/requests/CODE9999')).status).toBe(404);
    expect((await get('/api/requests/short')).status).toBe(400);
  });

  it('is explained in the terminal', async () => {
    let out = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    try {
      const client = { url: server.url, token: undefined };
      await explainRequest(client, 'CODE0007', false);
      expect(out).toMatch(/^code {6}C0DE0007\n/);
      expect(out).toContain('GET /x/7');
      expect(out).toMatch(/db +.*SELECT/);
      expect(out).toContain('card declined');
      out = '';
      await explainRequest(client, 'CODE0700', false);
      expect(out).toContain('the services have sent none');
      out = '';
      await explainRequest(client, 'CODE0700', true);
      expect(JSON.parse(out)).toMatchObject({ requests: [{ trace: null }] });
    } finally {
      write.mockRestore();
    }
  });
});

it('follows the rows that come after the call, each once, in the order in which they came', async () => {
  const leave = new AbortController();
  const answer = await fetch(`${server.url}/api/requests?follow=true&q=route:/late`, { signal: leave.signal });
  expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
  const late = (at: number, given: Partial<RequestRow> = {}): RequestRow => row(at, { route: '/late', ...given });
  // The second began before the first, and took longer.
  await store.append('requests', [late(1_100), late(1_050), late(1_101, { route: '/other' })]);
  await clock.advance(1_000);
  await store.append('requests', [late(1_102)]);
  const text = new TextDecoder();
  let sent = '';
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  while (sent.split('\n').length <= 3) {
    const read = reader.read();
    const chunk = await Promise.race([read, clock.advance(1_000).then(async () => read)]);
    sent += text.decode(chunk.value, { stream: true });
  }
  leave.abort();
  const codes = sent
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as RequestView).support_code);
  expect(codes).toEqual([late(1_100), late(1_050), late(1_102)].map(({ code }) => code));
  const many = await Promise.all(
    Array.from({ length: 17 }, async () => {
      const one = new AbortController();
      const { status } = await fetch(`${server.url}/api/requests?follow=true`, { signal: one.signal });
      return { one, status };
    }),
  );
  expect(many.filter(({ status }) => status === 429)).toHaveLength(1);
  for (const { one } of many) one.abort();
});

it('leaves the requests of synthetic checks out, unless the filter speaks of them or of the request itself', async () => {
  const startUnixNano = BigInt(NOW - 1_000) * 1_000_000n;
  const check = row(2_000, { startUnixNano, route: '/checked', synthetic: true });
  const user = row(2_001, { startUnixNano, route: '/checked' });
  await store.append('requests', [check, user]);
  const codes = async (q: string): Promise<string[]> => {
    const { body } = await get(`/api/requests?from=0&q=${encodeURIComponent(q)}`);
    return (body as RequestsAnswer).requests.map(({ support_code }) => support_code).toSorted();
  };
  expect(await codes('route:/checked')).toEqual([user.code]);
  expect(await codes('route:/checked synthetic:true')).toEqual([check.code]);
  expect(await codes('route:/checked (synthetic:true OR NOT synthetic:true)')).toEqual([check.code, user.code]);
  expect(await codes(check.traceId)).toEqual([check.code]);
  expect(await codes(`trace:${check.traceId}`)).toEqual([check.code]);
  const figures = async (q: string): Promise<number> => {
    const { body } = await get(`/api/requests/figures?from=0&q=${encodeURIComponent(q)}`);
    return (body as RequestFiguresAnswer).figures.reduce((sum, { requests }) => sum + requests, 0);
  };
  expect(await figures('route:/checked')).toBe(1);
  expect(await figures('route:/checked synthetic:true')).toBe(1);
  const { body } = await get(`/api/requests/${check.code}`);
  expect((body as RequestAnswer).requests[0].request.synthetic).toBe(true);
  await store.flush();
  expect(await codes('route:/checked')).toEqual([user.code]);
  expect(await codes('route:/checked synthetic:true')).toEqual([check.code]);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { newAnnotation } from '../../../../src/monitor/api/charts/annotations-api.ts';
import { ANNOTATION_TABLES, Annotations } from '../../../../src/monitor/store/state/annotations.ts';
import { openStateDatabase, type StateDatabase } from '../../../../src/monitor/store/state/state-database.ts';
import type { PageServer } from '../../../support/page/page-server.ts';
import { startPageServer } from '../../../support/page/page-server.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const NOW = 1_800_000_000_000;
// The monitor's steady clock has fractions of a millisecond.
const clock = movedClock(NOW + 0.4);
let dir = '';
let state: StateDatabase;
let server: PageServer;

const openState = (): StateDatabase =>
  openStateDatabase({ dir, owners: [ANNOTATION_TABLES], clock, logger: silentLogger });
const openServer = (): Promise<PageServer> =>
  startPageServer({ kind: 'empty', clock, overrides: { annotations: new Annotations(state, 4) } });

beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'annotations-'));
  state = openState();
  server = await openServer();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

async function call(method: string, target: string, body?: unknown): Promise<{ status: number; json: never }> {
  const answer = await fetch(server.url + target, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, json: (await answer.json()) as never };
}
const texts = async (query = ''): Promise<string[]> =>
  ((await call('GET', `/api/annotations${query}`)).json as { text: string }[]).map(({ text }) => text);

describe('/api/annotations', () => {
  it("takes Grafana's body, answers in its shape, and keeps the annotation over a restart", async () => {
    const made = await call('POST', '/api/annotations', {
      dashboardUID: 'x',
      panelId: 2,
      time: NOW - 5_000,
      timeEnd: NOW,
      tags: ['deploy', 'deploy', 'shop'],
      text: 'v2 <b>',
    });
    expect(made).toEqual({ status: 200, json: { message: 'Annotation added', id: 1 } });
    await server[Symbol.asyncDispose]();
    await state[Symbol.asyncDispose]();
    state = openState();
    server = await openServer();
    expect((await call('GET', '/api/annotations')).json).toEqual([
      expect.objectContaining({ id: 1, time: NOW - 5_000, timeEnd: NOW, text: 'v2 <b>', tags: ['deploy', 'shop'] }),
    ]);
    const marks = (await call('GET', `/api/marks?from=${NOW - 60_000}&to=${NOW + 1}`)).json as { marks: unknown[] };
    expect(marks.marks).toEqual([expect.objectContaining({ kind: 'deploy', id: 1, endMs: NOW })]);
    expect(await call('DELETE', '/api/annotations/1')).toEqual({
      status: 200,
      json: { message: 'Annotation deleted' },
    });
    expect((await call('DELETE', '/api/annotations/1')).status).toBe(404);
    expect((await call('DELETE', '/api/annotations/x')).status).toBe(404);
    expect(await texts()).toEqual([]);
  });

  it('finds by range and tags, newest first, and keeps only the newest when there are too many', async () => {
    for (const [at, tags] of [['a'], ['a', 'b'], ['b'], [], ['c"']].entries()) {
      await call('POST', '/api/annotations', { text: `t${at}`, time: NOW + at * 1_000, tags });
    }
    expect(await texts()).toEqual(['t4', 't3', 't2', 't1']);
    expect(await texts('?tags=b')).toEqual(['t2', 't1']);
    expect(await texts('?tags=a&tags=b')).toEqual(['t1']);
    expect(await texts('?tags=a&tags=c%22&matchAny=true')).toEqual(['t4', 't1']);
    expect(await texts(`?from=${NOW + 2_000}&to=${NOW + 3_000}`)).toEqual(['t3', 't2']);
    expect(await texts('?limit=1')).toEqual(['t4']);
    expect(new Annotations(state).removed).toBe(0);
  });

  it('refuses an impossible range of marks', async () => {
    expect((await call('GET', `/api/marks?from=${NOW}&to=${NOW}`)).status).toBe(400);
  });
});

describe('newAnnotation', () => {
  it('is a moment now without times', () => {
    expect(newAnnotation({ text: 'a', timeEnd: 0, tags: null }, 'w', NOW)).toEqual({
      timeMs: NOW,
      endMs: NOW,
      text: 'a',
      tags: [],
      who: 'w',
    });
  });

  it.each([
    {},
    { text: '  ' },
    { text: 'x'.repeat(4_097) },
    { text: 1 },
    { text: 'a', time: '1' },
    { text: 'a', time: -1 },
    { text: 'a', time: 1.5 },
    { text: 'a', time: 10, timeEnd: 9 },
    { text: 'a', tags: 'b' },
    { text: 'a', tags: [''] },
    { text: 'a', tags: [1] },
    { text: 'a', tags: ['x'.repeat(101)] },
    { text: 'a', tags: Array.from({ length: 21 }, (_, at) => `t${at}`) },
  ])('refuses %j', (body) => {
    expect(() => newAnnotation(body, 'w', NOW)).toThrow(expect.objectContaining({ code: 'bad_request' }));
  });
});

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { MAX_PINS_OF_SERVICE, PIN_TABLES, Pins } from '../../../../src/monitor/store/state/pins.ts';
import { openStateDatabase, type StateDatabase } from '../../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { startPageServer, type PageServer } from '../../../support/page/page-server.ts';
import { freshDir } from '../../../support/program.ts';

describe('pins', () => {
  const dir = freshDir();
  let state: StateDatabase;
  let server: PageServer;
  beforeAll(async () => {
    state = openStateDatabase({ dir, owners: [PIN_TABLES], clock: movedClock(0), logger: silentLogger });
    server = await startPageServer({ overrides: { pins: new Pins(state) } });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await state[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  const ask = async (method: string, target: string, body?: unknown) => {
    const response = await fetch(`${server.url}/api/pins${target}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    return { status: response.status, metrics: text === '' ? [] : (JSON.parse(text) as { metrics: string[] }).metrics };
  };
  const SERVICE = 'shop "<b>';
  const named = `?service=${encodeURIComponent(SERVICE)}`;

  it('are the same for everybody, in the order in which they were pinned, and can be taken away', async () => {
    expect(await ask('GET', named)).toEqual({ status: 200, metrics: [] });
    await ask('POST', '', { service: SERVICE, metric: 'orders_total' });
    await ask('POST', '', { service: SERVICE, metric: 'carts' });
    await ask('POST', '', { service: SERVICE, metric: 'carts' });
    expect((await ask('GET', named)).metrics.toSorted()).toEqual(['carts', 'orders_total']);
    expect((await ask('GET', '?service=other')).metrics).toEqual([]);
    expect((await ask('DELETE', `${named}&metric=carts`)).status).toBe(204);
    expect((await ask('DELETE', `${named}&metric=carts`)).status).toBe(404);
    expect((await ask('GET', named)).metrics).toEqual(['orders_total']);
  });

  it('are few for one service; one that exists can be pinned again', async () => {
    for (let at = 0; at < MAX_PINS_OF_SERVICE; at += 1) {
      expect((await ask('POST', '', { service: 'full', metric: `m${at}` })).status).toBe(200);
    }
    expect((await ask('POST', '', { service: 'full', metric: 'one_more' })).status).toBe(409);
    expect((await ask('POST', '', { service: 'full', metric: 'm0' })).status).toBe(200);
  });

  it.each([{}, { service: 'a', metric: 'a b' }, { service: '', metric: 'a' }, { service: 'a', metric: 'up{}' }])(
    'refuse %j',
    async (body) => {
      expect((await ask('POST', '', body)).status).toBe(400);
    },
  );
});

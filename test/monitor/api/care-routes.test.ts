import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CareCall } from '../../../src/model/care.ts';
import { careRoutes, type TakeCare } from '../../../src/monitor/api/care-routes.ts';
import { startPageServer, type PageServer } from '../../support/page/page-server.ts';

describe('the runtime API on port 4000', () => {
  const calls: CareCall[] = [];
  const take: TakeCare = (call) => {
    calls.push(call);
    return Promise.resolve(
      call.path.endsWith('/explode')
        ? { status: 404, body: { code: 'not_found' } }
        : { status: 200, body: { done: true } },
    );
  };
  let server: PageServer;
  const ask = async (path: string, body?: string): Promise<{ status: number; type: string | null; json: unknown }> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
    });
    return { status: answer.status, type: answer.headers.get('content-type'), json: await answer.json() };
  };
  beforeEach(async () => {
    calls.length = 0;
    server = await startPageServer({ overrides: { routes: careRoutes(take) } });
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it.each([
    ['/api/balancer', undefined],
    ['/api/cache', undefined],
    ['/api/balancer/upstreams/127.0.0.1-3001/drain', {}],
    ['/api/balancer/routes/shop/maintenance', { enabled: true }],
    ['/api/cache/purge', { tag: 'news' }],
    ['/api/cache/unpurge', { id: '7' }],
  ])('passes %s on, with the address of who asks', async (path, body) => {
    const answer = await ask(path, body === undefined ? undefined : JSON.stringify(body));
    expect(answer).toMatchObject({ status: 200, json: { done: true } });
    expect(calls).toEqual([{ method: body === undefined ? 'GET' : 'POST', path, body, who: 'local from 127.0.0.1' }]);
  });

  it('passes errors on as problems, and refuses a body that is no JSON', async () => {
    const failed = await ask('/api/balancer/upstreams/a/explode', '{}');
    expect(failed).toMatchObject({ status: 404, json: { code: 'not_found' } });
    expect(failed.type).toContain('application/problem+json');
    expect((await ask('/api/cache/purge', '{')).status).toBe(400);
    expect(calls).toHaveLength(1);
  });

  it('answers 404 where no balancer runs beside the monitor', async () => {
    await using alone = await startPageServer({ overrides: { routes: careRoutes(undefined) } });
    const answer = await fetch(`http://127.0.0.1:${alone.port}/api/balancer`);
    expect([answer.status, await answer.json()]).toMatchObject([
      404,
      { detail: 'No balancer runs beside this monitor.' },
    ]);
  });
});

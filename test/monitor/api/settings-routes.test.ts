import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryAccess } from '../../support/page/memory-access.ts';
import { startPageServer, type PageServer } from '../../support/page/page-server.ts';

const OWNER = 'the-token-of-the-owner';

describe('what a server shows of itself', () => {
  let server: PageServer;
  beforeAll(async () => {
    server = await startPageServer({ token: OWNER, overrides: { store: memoryAccess() } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const ask = async (target: string, token: string) => {
    const response = await fetch(server.url + target, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const viewer = async (): Promise<string> => {
    const made = await fetch(`${server.url}/api/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${OWNER}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'v', role: 'viewer' }),
    });
    return ((await made.json()) as { token: string }).token;
  };

  it('is its configuration for admins only, without secrets', async () => {
    const { status, body } = await ask('/api/config', OWNER);
    expect(status).toBe(200);
    const [first, second] = body['settings'] as { key: string; value: unknown }[];
    expect([first, second]).toEqual([
      { key: 'store.retention', value: 60 * 86_400_000, unit: 'ms', is_default: false },
      { key: 'auth.token', value: '<secret>', unit: '', is_default: false },
    ]);
    expect(JSON.stringify(body)).not.toContain('nobody-may-see');
    expect((await ask('/api/config', await viewer())).status).toBe(403);
  });

  it('is what the store holds, for viewers', async () => {
    const { status, body } = await ask('/api/store', await viewer());
    expect(status).toBe(200);
    expect(body).toMatchObject({ writable: true, seconds_to_full: 41 * 86_400, samples: { series: 4_120, days: 12 } });
    const signals = body['signals'] as { signal: string; records: number; services: { service: string }[] }[];
    expect(signals.map(({ signal }) => signal)).toEqual(['logs', 'traces', 'requests']);
    expect(signals[0].records).toBeGreaterThan(100);
  });

  it('is nothing where no configuration is given', async () => {
    await using other = await startPageServer({ overrides: { configuration: undefined } });
    expect((await fetch(`${other.url}/api/store`)).status).toBe(404);
  });
});

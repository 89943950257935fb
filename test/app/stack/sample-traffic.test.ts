import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { SampleTraffic } from '../../../src/app/stack/sample-traffic.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { until } from '../../support/until.ts';

interface Balancer extends AsyncDisposable {
  readonly url: string;
  readonly seen: string[];
  readonly agents: Set<string>;
}

/** Signs everybody in and lists two accounts, or breaks every connection. */
async function balancer(broken = false): Promise<Balancer> {
  const seen: string[] = [];
  const agents = new Set<string>();
  const server: Server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    agents.add(request.headers['user-agent'] ?? '');
    if (broken) {
      request.socket.destroy();
      return;
    }
    response.setHeader('content-type', 'application/json');
    const accounts = { accounts: [{ id: 'acc-001' }, { id: 'acc-002' }] };
    response.end(JSON.stringify(request.url === '/api/sessions' ? { token: 't' } : accounts));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    agents,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const person = { user: 'user-200', password: 'demo-password', account: 'acc-200' };
const started: SampleTraffic[] = [];
afterEach(() => Promise.all(started.splice(0).map((traffic) => traffic.stop())));

function start(url: string, requests: () => number, clock = movedClock(1_000_000)): SampleTraffic {
  const traffic = new SampleTraffic({ url, person, requests, clock, random: seededRandom(1) });
  started.push(traffic);
  return traffic;
}

describe('the sample traffic', () => {
  it('signs in, looks at accounts, and says how much of all requests is its own', async () => {
    await using target = await balancer();
    const clock = movedClock(1_000_000);
    const traffic = start(target.url, () => target.seen.length, clock);
    expect(traffic.state()).toEqual({ running: true, ended: null, own_last_minute: 0, all_last_minute: 0 });
    for (const wanted of [1, 2, 3, 4]) {
      await until(() => {
        void clock.advance(100);
        return target.seen.length >= wanted;
      });
    }
    expect(target.seen.slice(0, 2)).toEqual(['POST /api/sessions', 'GET /api/accounts']);
    expect([...target.agents]).toEqual(['vitrine-sample']);
    const { own_last_minute: own, all_last_minute: all, running } = traffic.state();
    expect([own, running]).toEqual([all, true]);
    expect(traffic.call('GET', '/api/sample')?.body).toMatchObject({ running: true });
    expect(traffic.call('GET', '/api/balancer')).toBeUndefined();
    expect(traffic.call('POST', '/api/sample/stop')?.body).toMatchObject({ running: false, ended: 'stopped' });
  });

  it('stops for good when others send requests, and not for a single look', async () => {
    await using target = await balancer();
    const clock = movedClock(1_000_000);
    let others = 3;
    const traffic = start(target.url, () => target.seen.length + others, clock);
    await until(() => {
      void clock.advance(100);
      return target.seen.length >= 2;
    });
    expect(traffic.state().running).toBe(true);
    others = 40;
    await until(() => {
      void clock.advance(100);
      return !traffic.state().running;
    });
    expect(traffic.state().ended).toBe('real_traffic');
    const sent = target.seen.length;
    await traffic.stop();
    await clock.advance(10_000);
    expect(target.seen.length).toBe(sent);
    expect(traffic.state().ended).toBe('real_traffic');
  });

  it('goes on when nothing answers yet', async () => {
    await using target = await balancer(true);
    const clock = movedClock(1_000_000);
    start(target.url, () => 0, clock);
    await until(() => {
      void clock.advance(100);
      return target.seen.length >= 3;
    });
    expect(new Set(target.seen)).toEqual(new Set(['POST /api/sessions']));
  });

  it('ends while it waits for an answer', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const traffic = start(url, () => 0, movedClock(systemClock.now()));
    await traffic.stop();
    expect(traffic.state().running).toBe(false);
    silent.closeAllConnections();
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });
});

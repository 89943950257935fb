import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import { WebSocket } from 'ws';
import { VitrineError } from '../../../src/base/errors.ts';
import type { ServerMessage } from '../../../src/monitor/api/contract.ts';
import { subscriptionsFrom } from '../../../src/monitor/api/subscriptions.ts';
import { movedClock } from '../../support/moved-clock.ts';
import type { MovedClock } from '../../support/moved-clock.ts';
import type { PageServer } from '../../support/page/page-server.ts';
import { startPageServer } from '../../support/page/page-server.ts';

const NOW = 1_800_000_000_000;

const start = (clock: MovedClock, options: Parameters<typeof startPageServer>[0] = {}): Promise<PageServer> =>
  startPageServer({ clock, ...options });

class Viewer {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  readonly closed: Promise<number>;

  constructor(port: number, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers });
    this.socket.on('message', (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as ServerMessage));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  async until<K extends ServerMessage['kind']>(kind: K, count = 1): Promise<Extract<ServerMessage, { kind: K }>[]> {
    const found = (): Extract<ServerMessage, { kind: K }>[] =>
      this.messages.filter((message): message is Extract<ServerMessage, { kind: K }> => message.kind === kind);
    while (found().length < count) await once(this.socket, 'message');
    return found();
  }
}

/** The status line of the response to a refused upgrade. */
function refusedWith(port: number, headers: Record<string, string>, target = '/ws'): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, { headers });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });
}

describe('the live socket', () => {
  it('begins with the history and then pushes a frame each second', async () => {
    const clock = movedClock(NOW);
    await using server = await start(clock);
    const viewer = new Viewer(server.port);
    const [hello] = await viewer.until('hello');
    expect(hello.history.timesMs).toHaveLength(60);
    expect(hello.history.requestsPerSecond.at(-1)).toBeGreaterThan(100);
    const [first] = await viewer.until('frame');
    expect(first.current.balancer?.requests).toBe(7_200);
    expect(first.alerts[0].name).toBe('SlowResponses');
    await clock.advance(2_000);
    const frames = await viewer.until('frame', 3);
    expect(frames.map(({ timeMs }) => timeMs)).toEqual([NOW, NOW + 1_000, NOW + 2_000]);
    viewer.socket.close();
    await viewer.closed;
  });

  it('evaluates the expressions that a viewer requests', async () => {
    const clock = movedClock(NOW);
    const instant = (expr: string): Promise<never> =>
      expr === 'bad'
        ? Promise.reject(new VitrineError('query_invalid', 'unexpected end'))
        : (Promise.resolve({
            value: { kind: 'scalar', t: 0, v: Number.POSITIVE_INFINITY },
            warnings: [],
            infos: [],
          }) as never);
    await using server = await start(clock, { overrides: { querier: { instant } as never } });
    const viewer = new Viewer(server.port);
    await viewer.until('frame');
    viewer.socket.send('{"subscribe":["1","bad","1"]}');
    viewer.socket.send('nonsense');
    await viewer.until('refused');
    await clock.advance(2_000);
    const [{ results }] = (await viewer.until('results', 2)).slice(-1);
    expect(results).toEqual([
      { expr: '1', timeMs: NOW + 1_000, series: [{ labels: {}, value: null }] },
      { expr: 'bad', timeMs: NOW + 1_000, series: [], error: 'unexpected end' },
    ]);
    viewer.socket.terminate();
  });

  it('refuses expressions over the limit of all viewers', async () => {
    const clock = movedClock(NOW);
    await using server = await start(clock);
    const viewers = Array.from({ length: 5 }, () => new Viewer(server.port));
    for (const [at, viewer] of viewers.entries()) {
      await viewer.until('frame');
      viewer.socket.send(JSON.stringify({ subscribe: Array.from({ length: 16 }, (_, n) => `${at * 16 + n}`) }));
    }
    const [{ reason }] = await Promise.race(viewers.map((viewer) => viewer.until('refused')));
    expect(reason).toContain('16 expressions');
    for (const { socket } of viewers) socket.terminate();
  });

  it.each([
    [{ origin: 'https://evil.example' }, '/ws', 403],
    [{ origin: 'null' }, '/ws', 403],
    [{ host: 'evil.example' }, '/ws', 421],
    [{}, '/other', 404],
  ])('answers an upgrade with the headers %o at %s with %i', async (headers, target, status) => {
    await using server = await start(movedClock(NOW));
    expect(await refusedWith(server.port, headers as Record<string, string>, target)).toBe(status);
  });

  it('accepts its own origin, and requires the token', async () => {
    await using open = await start(movedClock(NOW));
    expect(await refusedWith(open.port, { origin: `http://127.0.0.1:${open.port}` })).toBe(101);
    await using server = await start(movedClock(NOW), { token: 'secret' });
    expect(await refusedWith(server.port, {})).toBe(401);
    expect(await refusedWith(server.port, { authorization: 'Bearer secret' })).toBe(101);
  });

  it('admits fifty viewers of one address, and answers the next with 503 before the upgrade', async () => {
    await using server = await start(movedClock(NOW));
    const viewers = Array.from({ length: 50 }, () => new Viewer(server.port));
    for (const viewer of viewers) await viewer.until('hello');
    expect(server.api.viewers()).toBe(50);
    expect(await refusedWith(server.port, {})).toBe(503);
    viewers[0].socket.close();
    await viewers[0].closed;
    while (server.api.viewers() > 49) await new Promise((resolve) => setImmediate(resolve));
    expect(await refusedWith(server.port, {})).toBe(101);
    for (const { socket } of viewers) socket.terminate();
  });

  it('has a limit for all addresses together', async () => {
    await using server = await start(movedClock(NOW), { overrides: { viewerLimits: { perAddress: 2, total: 2 } } });
    const viewers = [new Viewer(server.port), new Viewer(server.port)];
    for (const viewer of viewers) await viewer.until('hello');
    const refused = new Promise<number>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { localAddress: '127.0.0.2' });
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => {});
    });
    expect(await refused).toBe(503);
    for (const { socket } of viewers) socket.terminate();
  });

  it('closes a viewer that sends too much', async () => {
    await using server = await start(movedClock(NOW));
    const large = new Viewer(server.port);
    await large.until('frame');
    large.socket.send('x'.repeat(65_537));
    expect(await large.closed).toBe(1009);
    const often = new Viewer(server.port);
    await often.until('frame');
    for (let at = 0; at < 12; at += 1) often.socket.send('{"subscribe":[]}');
    expect(await often.closed).toBe(1008);
  });

  it('closes a viewer that does not read', async () => {
    const clock = movedClock(NOW);
    // Frames of 400 kB soon fill the socket's buffers.
    const reason = 'x'.repeat(400_000);
    const alerts = () => [
      {
        labels: Labels.from({ alertname: 'a' }),
        annotations: {},
        state: 'firing' as const,
        activeAtMs: 0,
        value: 1,
        reason,
      },
    ];
    await using server = await start(clock, { overrides: { alerts } });
    const silent = createConnection(server.port, '127.0.0.1');
    silent.on('error', () => {});
    silent.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
    );
    await once(silent, 'readable');
    while (server.api.viewers() === 0) await new Promise((resolve) => setImmediate(resolve));
    // The test never reads. The kernel's buffers are limited; the rest stays in the server until it disconnects the viewer.
    for (let at = 0; at < 60 && server.api.viewers() > 0; at += 1) await clock.advance(1_000);
    expect(server.api.viewers()).toBe(0);
    silent.destroy();
  });

  it('closes viewers that do not answer pings or whose session has ended', async () => {
    const clock = movedClock(NOW);
    await using server = await start(clock);
    const dead = new Viewer(server.port);
    await dead.until('frame');
    dead.socket.pong = () => {};
    (dead.socket as unknown as { _autoPong: boolean })._autoPong = false;
    for (const receiver of [(dead.socket as unknown as { _receiver: NodeJS.EventEmitter })._receiver])
      receiver.removeAllListeners('ping');
    await clock.advance(10_000);
    await dead.until('frame', 10);
    await clock.advance(10_000);
    expect(await dead.closed).toBe(1006);
  });

  it('closes every viewer when the server ends', async () => {
    const clock = movedClock(NOW);
    const server = await start(clock);
    const viewer = new Viewer(server.port);
    await viewer.until('frame');
    await server[Symbol.asyncDispose]();
    expect([1001, 1006]).toContain(await viewer.closed);
  });
});

describe('subscriptionsFrom', () => {
  it.each([
    [undefined, 'JSON'],
    ['{', 'JSON'],
    ['[]', 'subscribe'],
    ['{"__proto__":{"subscribe":[]}}', 'subscribe'],
    ['{"subscribe":"up"}', 'subscribe'],
    ['{"subscribe":[1]}', 'characters'],
    [`{"subscribe":["${'x'.repeat(5_000)}"]}`, 'characters'],
    [JSON.stringify({ subscribe: Array.from({ length: 17 }, (_, n) => `${n}`) }), 'at most 16'],
  ])('refuses %s', (text, reason) => expect(subscriptionsFrom(text)).toContain(reason));

  it('takes a list and drops repetitions', () =>
    expect(subscriptionsFrom('{"subscribe":["up","up"]}')).toEqual(['up']));
});

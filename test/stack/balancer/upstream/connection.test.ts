/** A connection to an upstream that breaks while a request is being sent on it. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Dial } from '../../../../src/stack/balancer/upstream/dial.ts';
import { UpstreamConnection } from '../../../../src/stack/balancer/upstream/connection.ts';
import type { ExchangeEvents } from '../../../../src/stack/balancer/upstream/carrier.ts';
import { until } from '../../../support/until.ts';

/** What happened to the exchange, in order. */
function recorded(): { events: ExchangeEvents; seen: string[] } {
  const seen: string[] = [];
  const events: ExchangeEvents = {
    onConnected: () => seen.push('connected'),
    onInterim() {},
    onHead: ({ status }) => seen.push(`head ${status}`),
    onBody: (bytes) => seen.push(`body ${bytes.toString()}`),
    onFlush() {},
    onWritable() {},
    onComplete: (reusable) => seen.push(`complete, reusable: ${reusable}`),
    onFailed: (kind) => seen.push(`failed ${kind}`),
  };
  return { events, seen };
}

async function broken(answer: string): Promise<string[]> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const dial = new Dial({ host: '127.0.0.1', port }, undefined);
  const accepted = once(server, 'connection');
  const connection = new UpstreamConnection(dial, () => {});
  onTestFinished(() => connection.destroy());
  const { events, seen } = recorded();
  const owner: ExchangeEvents = {
    ...events,
    onComplete: (reusable, trailers) => {
      events.onComplete(reusable, trailers);
      connection.destroy();
    },
  };
  connection.begin({ method: 'POST', bytes: 'POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n' }, owner);
  const [upstream] = (await accepted) as [Socket];
  await once(upstream, 'readable');
  upstream.read();
  await until(() => connection.connected);
  // All in one turn: the answer and the reset are in the socket when the write fails, and nothing of them was read.
  if (answer !== '') upstream.write(answer);
  upstream.resetAndDestroy();
  connection.write('x'.repeat(1_000));
  await until(() => seen.some((one) => /complete|failed/.test(one)));
  return seen;
}

it('reads an answer that came before the upstream reset the connection, although a write has failed', async () => {
  const seen = await broken('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig');
  expect(seen).toEqual(['connected', 'head 413', 'body big', 'complete, reusable: false']);
});

it('fails when nothing came before the reset', async () => {
  expect(await broken('')).toEqual(['connected', 'failed reset']);
});

it('fails as refused when nobody listens', async () => {
  const { port } = await new Promise<AddressInfo>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address() as AddressInfo;
      server.close(() => resolve(address));
    });
  });
  const { events, seen } = recorded();
  const connection = new UpstreamConnection(new Dial({ host: '127.0.0.1', port }, undefined), () => {});
  connection.begin({ method: 'GET', bytes: 'GET / HTTP/1.1\r\n\r\n' }, events);
  await until(() => seen.length > 0);
  expect(seen).toEqual(['failed refused']);
});

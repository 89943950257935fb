/** Messages that no proxy may forward: each is refused with the right status, and its bytes never reach the upstream. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get, MALFORMED, post } from '../../support/http/hostile-requests.ts';
import { raw, Rig } from './rig.ts';

describe('malformed requests', () => {
  const rig = new Rig();
  const reached: string[] = [];
  let port = 0;
  beforeAll(async () => {
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        reached.push(bytes.toString('latin1'));
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    ({ port } = await rig.balancer({ upstreams: [upstream.url] }));
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('have at least sixty cases', () => expect(MALFORMED.length).toBeGreaterThanOrEqual(60));

  it.each(MALFORMED)('%s', async (_name, bytes, status) => {
    const answer = await raw(port, bytes);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/content-type: application\/problem\+json/i);
    expect(answer.text).toMatch(/connection: close/i);
    expect(answer.closed).toBe(true);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(reached).toEqual([]);
  });

  it('still serves all other clients', async () => {
    const answer = await raw(port, get(''), /ok$/);
    expect(answer.status).toBe(200);
    expect(reached).toHaveLength(1);
    reached.length = 0;
  });

  it('does not answer what follows a refused message on the same connection', async () => {
    const answer = await raw(port, `${get('X: a\r\n b\r\n')}${get('')}`);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    const two = await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${get('')}`);
    expect(two.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(reached).toEqual([]);
  });

  it('forwards unusual but legal requests in one canonical form', async () => {
    const odd = 'Transfer-Encoding: Chunked\r\n';
    const answer = await raw(port, post(odd, '5;ext=1;b="c"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n'), /ok$/);
    expect(answer.status).toBe(200);
    expect(reached.join('')).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n$/);
    expect(reached.join('')).not.toMatch(/ext/i);
    reached.length = 0;
  });
});

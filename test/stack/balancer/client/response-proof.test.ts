import { ServerResponse } from 'node:http';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientResponse } from '../../../../src/stack/balancer/client/response.ts';
import { choose, faultOf } from '../../../../src/stack/balancer/client/response-proof.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { recordingLogger } from '../../../support/recording-logger.ts';
import { raw, Rig } from '../rig.ts';

/** What a Node.js that treats responses differently would do to the fast class. */
class Silent extends ServerResponse {
  override emit(): boolean {
    return true;
  }
}
class Throwing extends ServerResponse {
  override detachSocket(): void {
    throw new Error('internal assertion');
  }
}
class Elsewhere extends ServerResponse {
  override assignSocket(socket: Parameters<ServerResponse['assignSocket']>[0]): void {
    super.assignSocket(socket);
    Object.assign(socket, { _httpMessage: undefined });
  }
}

describe('the trial of a class of responses', () => {
  it('passes the fast class and Node’s own on this Node.js', async () => {
    expect(await faultOf(ClientResponse)).toBeUndefined();
    expect(await faultOf(ServerResponse)).toBeUndefined();
  });

  it.each([
    [Silent, /its requests went turn \/a$/],
    [Throwing, /internal assertion/],
    [Elsewhere, /not its turn/],
  ])('rejects %o, and Node’s own class is used instead with a warning', async (candidate, reason) => {
    expect(await faultOf(candidate as typeof ServerResponse)).toMatch(reason);
    const logger = recordingLogger();
    expect(await choose(candidate as typeof ServerResponse, logger)).toBe(ServerResponse);
    expect(logger.lines).toHaveLength(1);
    expect(await choose(ClientResponse, silentLogger)).toBe(ClientResponse);
  });
});

/** Any mix of requests on one connection, cut into pieces anywhere. */
const message = fc.oneof(
  fc.constantFrom('a', 'b').map((path) => `GET /${path} HTTP/1.1\r\nHost: x\r\n\r\n`),
  fc.nat(40).map((size) => `POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${'y'.repeat(size)}`),
  fc.constant('POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'),
  fc.constant('HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n'),
  fc.constant('DELETE /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nz'),
  fc.constant('GET /bad HTTP/1.1\r\n\r\n'),
);
const last = fc.constantFrom(
  'GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /last HTTP/1.0\r\n\r\n',
  'NONSENSE\r\n\r\n',
);
const script = fc
  .tuple(
    fc.array(message, { maxLength: 6 }),
    last,
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  )
  .map(([messages, end, cuts]) => {
    const text = messages.join('') + end;
    const at = [0, ...cuts.map((cut) => Math.floor(cut * text.length)).sort((a, b) => a - b), text.length];
    return at
      .slice(1)
      .map((to, i) => text.slice(at[i], to))
      .filter((part) => part !== '');
  });

/** Without ids and times, which differ from run to run. */
const stable = (text: string): string =>
  text
    .replace(/^(?:date|x-request-id|server-timing|x-support-code):.*\r\n/gim, '')
    .replace(/"(?:request_id|support_code|instance)":"[^"]*"/g, '');

describe('the fast class', () => {
  it('sends the same bytes as Node’s own class for any requests', async () => {
    await using rig = new Rig();
    const upstream = await rig.http((request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => response.end(`${request.method} ${request.url} ${size}`));
    });
    const [fast, plain] = await Promise.all(
      [ClientResponse, ServerResponse].map((responseClass) =>
        rig.balancer({ upstreams: [upstream.url] }, { responseClass: responseClass }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(script, async (parts) => {
        const [a, b] = await Promise.all([fast, plain].map(({ port }) => raw(port, parts)));
        expect([stable(a.text), a.closed]).toEqual([stable(b.text), b.closed]);
        expect(a.status).toBeGreaterThan(0);
      }),
      { numRuns: process.env['VITRINE_NIGHTLY'] === '1' ? 500 : 60 },
    );
  });
});

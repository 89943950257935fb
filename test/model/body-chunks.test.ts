import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrineError } from '../../src/base/errors.ts';
import { bodyChunks, type ChunkLimits } from '../../src/model/body-chunks.ts';

const LIMITS: ChunkLimits = {
  maxBytes: 1_000_000,
  tooLarge: () => new VitrineError('payload_too_large', 'too large'),
  incomplete: 'incomplete',
  paced: async function* (source) {
    // As paces do: it asks for each chunk itself.
    const chunks = source[Symbol.asyncIterator]();
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  },
};

let server: Server;
let read: (request: IncomingMessage) => Promise<number>;
beforeEach(async () => {
  server = createServer((request, response) => {
    read(request).then(
      (bytes) => response.end(String(bytes)),
      (error: VitrineError) => {
        request.resume();
        response.writeHead(error.status).end(error.message);
      },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function post(agent: Agent, bytes: number): Promise<[number, string]> {
  const { port } = server.address() as AddressInfo;
  const outgoing = httpRequest({ port, method: 'POST', agent, headers: { 'content-length': bytes } });
  outgoing.end(Buffer.alloc(bytes, 'x'));
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of answer) text += String(part);
  return [answer.statusCode ?? 0, text];
}

async function sizeOf(request: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of bodyChunks(request, LIMITS)) size += chunk.length;
  return size;
}

describe('the chunks of a body', () => {
  it('are all of it', async () => {
    read = sizeOf;
    expect(await post(new Agent(), 999_999)).toEqual([200, '999999']);
  });

  it('end above the limit, and the connection serves the next request', async () => {
    read = sizeOf;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 10; round += 1) {
      expect(await post(agent, 5_000_000)).toEqual([413, 'too large']);
      expect(await post(agent, 10)).toEqual([200, '10']);
    }
    agent.destroy();
  });

  it('are discarded after a reader that stops early', async () => {
    read = async (request) => {
      for await (const chunk of bodyChunks(request, LIMITS))
        throw new VitrineError('overloaded', `full at ${chunk.length > 0}`);
      return 0;
    };
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let round = 0; round < 10; round += 1) expect(await post(agent, 900_000)).toEqual([503, 'full at true']);
    agent.destroy();
  });

  it('that end too early are an error', async () => {
    const failed = Promise.withResolvers<unknown>();
    read = (request) => {
      const size = sizeOf(request);
      size.catch(failed.resolve);
      return size;
    };
    const { port } = server.address() as AddressInfo;
    const outgoing = httpRequest({ port, method: 'POST', headers: { 'content-length': 100 } });
    outgoing.on('error', () => {});
    outgoing.write('x', () => outgoing.destroy());
    expect(await failed.promise).toMatchObject({ code: 'bad_request', message: 'incomplete' });
  });
});

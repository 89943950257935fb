import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdForTurn } from '../../../../src/stack/balancer/http/write-batch.ts';

let server: Server;
let received: string[];
const sockets: Socket[] = [];

beforeEach(async () => {
  const texts: string[] = [];
  received = texts;
  server = createServer((socket) => {
    const at = texts.push('') - 1;
    socket.on('data', (bytes) => (texts[at] += bytes.toString()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

async function connected(): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const turnEnd = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('messages of one turn', () => {
  it('are sent when it ends, in the order of the writes', async () => {
    const socket = await connected();
    holdForTurn(socket);
    socket.write('one ');
    holdForTurn(socket);
    socket.write('two');
    expect(socket.writableLength).toBe(7);
    await turnEnd();
    expect(socket.writableLength).toBe(0);
    socket.end();
    await once(socket, 'close');
    expect(received).toEqual(['one two']);
  });

  it('are sent at once when the limit is reached', async () => {
    const many: Socket[] = [];
    for (let at = 0; at < 64; at += 1) many.push(await connected());
    for (const socket of many.slice(0, 63)) {
      holdForTurn(socket);
      socket.write('x');
    }
    expect(many[62].writableLength).toBe(1);
    holdForTurn(many[63]);
    expect(many.map((socket) => socket.writableLength)).toEqual(Array.from({ length: 64 }, () => 0));
    many[63].write('x');
    expect(many[63].writableLength).toBe(0);
    await turnEnd();
  });

  it('are sent before the end and dropped with the connection', async () => {
    const [ending, dying] = [await connected(), await connected()];
    for (const socket of [ending, dying]) {
      holdForTurn(socket);
      socket.write('last words');
    }
    ending.end();
    dying.destroy();
    await once(ending, 'close');
    await turnEnd();
    expect(received.join('')).toBe('last words');
  });
});

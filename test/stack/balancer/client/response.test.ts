import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ClientResponse } from '../../../../src/stack/balancer/client/response.ts';

let server: Server | undefined;
afterEach(() => server?.close());

it('is sent in order on its connection, and its listeners are told when it ends', async () => {
  const heard: string[] = [];
  server = createServer({ ServerResponse: ClientResponse }, (request, response) => {
    const { socket, url } = request;
    response.on('finish', () => heard.push(`finish ${url}`));
    response.once('close', () => heard.push(`close ${url}`));
    const answer = (): void => {
      heard.push(`turn ${url}`);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${url?.length}\r\n\r\n${url}`);
      response.emit('finish');
    };
    if (response.socket === null) response.once('socket', () => process.nextTick(answer));
    else setImmediate(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  let got = '';
  client.on('data', (bytes) => (got += bytes.toString()));
  while (!got.endsWith('/c')) await once(client, 'data');
  client.end();
  await once(client, 'close');
  expect(got.match(/\/[abc]/g)).toEqual(['/a', '/b', '/c']);
  expect(heard.filter((what) => !what.startsWith('close'))).toEqual(
    ['/a', '/b', '/c'].flatMap((path) => [`turn ${path}`, `finish ${path}`]),
  );
  expect(heard.filter((what) => what.startsWith('close')).toSorted()).toEqual(['close /a', 'close /b', 'close /c']);
});

it('is cut off with its connection', async () => {
  server = createServer({ ServerResponse: ClientResponse }, (request) => request.socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  client.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
  client.resume();
  await once(client, 'close');
  expect(server.listening).toBe(true);
});

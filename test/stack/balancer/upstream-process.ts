/** An upstream in a process of its own, to be killed. Sends its port, and the ids of the POSTs it has seen when asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const seen: string[] = [];
const server = createServer((request, response) => {
  const id = request.headers['x-id'];
  if (request.method === 'POST' && typeof id === 'string') {
    seen.push(id);
    process.send?.({ id });
  }
  request.resume();
  // So that some are on their way when it is killed.
  setTimeout(() => response.end('{"ok":true}'), 5);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));

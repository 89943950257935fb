/**
 * An upstream in its own process: `node origin-process.ts PORT NAME`. Messages of its parent change its behaviour (`addMs`,
 * `status`, `workMs`); the message `stats` is answered with counts of what it received. On SIGTERM it answers its open
 * requests and ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

const [port, name] = process.argv.slice(2);
const behaviour = { addMs: 0, status: 200, workMs: 0 };
const seen = { requests: 0, posts: new Map<string, number>() };
const big = Buffer.alloc(10 * 1024 * 1024, 'x');
const block = Buffer.alloc(10_000, 'y');
let draining = false;

/** Blocks the process, as a request that uses the CPU does. */
function work(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

/** Answers with what it saw; the query names the fields of the answer: `/echo?cache-control=max-age%3D1&vary=Cookie`. */
function echo(request: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(request.url ?? '/', 'http://origin');
  for (const [field, value] of searchParams) if (/^[a-z-]{3,}$/i.test(field)) response.setHeader(field, value);
  const { url, method, headers } = request;
  response.end(JSON.stringify({ url, method, headers, count: seen.requests }));
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.statusCode = behaviour.status;
  response.setHeader('x-origin', name);
  if (draining) response.setHeader('connection', 'close');
  if (request.url?.startsWith('/big') === true) {
    response.setHeader('cache-control', 'max-age=600');
    response.end(big);
    return;
  }
  if (request.url?.startsWith('/echo') === true) {
    echo(request, response);
    return;
  }
  if (request.url?.startsWith('/kept') === true) response.setHeader('cache-control', 'max-age=60');
  if (request.url?.startsWith('/kept/block') === true) {
    response.end(block);
    return;
  }
  if (behaviour.workMs > 0) work(behaviour.workMs);
  if (behaviour.addMs > 0) setTimeout(() => response.end('ok'), behaviour.addMs);
  else response.end('ok');
}

const server = createServer((request, response) => {
  if (request.url === '/readyz') {
    response.statusCode = draining ? 503 : 200;
    response.end();
    return;
  }
  seen.requests += 1;
  const id = request.headers['x-id'];
  if (request.method === 'POST' && typeof id === 'string') {
    seen.posts.set(id, (seen.posts.get(id) ?? 0) + 1);
    process.send?.({ post: id });
  }
  request.resume().on('end', () => answer(request, response));
});
const sockets = new WebSocketServer({ server, path: '/ws' });
sockets.on('connection', (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })));
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 1024 }, () => process.send?.({ ready: true }));
process.on('message', (message: Partial<typeof behaviour> & { stats?: true }) => {
  if (message.stats) process.send?.({ stats: { requests: seen.requests } });
  else Object.assign(behaviour, message);
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  draining = true;
  server.close(() => process.exit(0));
});

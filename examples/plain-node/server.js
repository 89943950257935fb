// Node.js alone. Without a router there are no route names, so spans and metrics carry the method and the status.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const found = request.url?.startsWith('/orders/');
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(found ? { id: request.url?.slice('/orders/'.length) } : { error: 'not found' }));
});
server.listen(Number(process.env.PORT ?? 3003), '127.0.0.1');
process.once('SIGTERM', () => server.close());

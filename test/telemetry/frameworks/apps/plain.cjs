const http = require('node:http');
process.on('uncaughtException', () => {});
const server = http.createServer((request, response) => {
  if (request.url === '/throws') {
    setImmediate(() => response.end('late'));
    throw new RangeError('boom');
  }
  response.statusCode = request.url.startsWith('/missing') ? 404 : 200;
  response.end('ok');
});
module.exports = { serve: (port, ready) => server.listen(port, '127.0.0.1', ready) };

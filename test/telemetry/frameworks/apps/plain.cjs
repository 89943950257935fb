const http = require('node:http');
const server = http.createServer((request, response) => {
  response.statusCode = request.url.startsWith('/missing') ? 404 : 200;
  response.end('ok');
});
module.exports = { serve: (port, ready) => server.listen(port, '127.0.0.1', ready) };

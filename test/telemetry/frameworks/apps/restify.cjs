const server = require('restify').createServer();
server.get('/users/:id', (request, response, next) => {
  response.send(request.params.id);
  next();
});
server.get('/fail', (_request, _response, next) => next(new RangeError('boom')));
module.exports = {
  serve: (port, ready) => server.listen(port, '127.0.0.1', () => ready.call(server.server)),
};

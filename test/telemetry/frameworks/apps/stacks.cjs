// Each framework shows the stack of an error to its client.
const http = require('node:http');
Error.stackTraceLimit = 50;
process.env.NODE_ENV = 'development';
console.error = () => {};
const boom = () => {
  throw new Error('boom');
};

function onExpress(name) {
  const express = require(name);
  const app = express();
  app.use((request, _response, next) => (request.path.endsWith('/middleware') ? boom() : next()));
  app.get('/:name/route', boom);
  app.post('/:name/json', express.json(), boom);
  app.use(
    '/:name/deep',
    express.Router().get('/er', (_request, _response, next) => next(new Error('boom'))),
  );
  return app;
}

function onConnect() {
  const app = require('connect')();
  app.use('/connect/mounted', boom);
  app.use((_request, _response, next) => next());
  app.use(boom);
  return app;
}

async function onFastify() {
  const app = require('fastify')({ exposeHeadRoutes: false });
  app.setErrorHandler((error, _request, reply) => reply.send(error.stack));
  app.addHook('preHandler', (request, _reply, done) => (request.url.endsWith('/hook') ? boom() : done()));
  app.get('/fastify/:name', boom);
  app.post('/fastify/:name', boom);
  await app.ready();
  return (request, response) => app.routing(request, response);
}

function onTrpc() {
  const t = require('@trpc/server').initTRPC.create({ isDev: true });
  const { createExpressMiddleware } = require('@trpc/server/adapters/express');
  return require('express5')().use(
    '/trpc',
    createExpressMiddleware({ router: t.router({ fail: t.procedure.query(boom) }) }),
  );
}

function onPlain(request, response) {
  const show = () => response.end(new Error('boom').stack);
  if (request.method === 'GET') show();
  else if (request.url.endsWith('/data')) request.once('data', show).resume();
  else request.resume().on('end', show);
}

async function serve(port, ready) {
  const on = {
    express4: onExpress('express4'),
    express5: onExpress('express5'),
    connect: onConnect(),
    fastify: await onFastify(),
    trpc: onTrpc(),
    plain: onPlain,
  };
  const server = http.createServer((request, response) => on[request.url.split('/')[1]](request, response));
  server.listen(port, '127.0.0.1', ready.bind(server));
  return server;
}
module.exports = { serve };

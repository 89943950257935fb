const app = require('fastify')();
app.get('/users/:id', async (request) => request.params.id);
app.register(async (child) => child.get('/members/:m', async (request) => request.params.m), { prefix: '/orgs/:org' });
app.get('/fail', async () => {
  throw new RangeError('boom');
});
module.exports = { serve: (port, ready) => app.listen({ port, host: '127.0.0.1' }).then(() => ready.call(app.server)) };

const Hapi = require('@hapi/hapi');
module.exports = {
  async serve(port, ready) {
    const server = Hapi.server({ port, host: '127.0.0.1', debug: false });
    server.route({ method: 'GET', path: '/users/{id}', handler: (request) => request.params.id });
    await server.register({
      plugin: {
        name: 'orgs',
        register: (child) => child.route({ method: 'GET', path: '/members/{m}', handler: () => 'm' }),
      },
      routes: { prefix: '/orgs/{org}' },
    });
    server.route({
      method: 'GET',
      path: '/fail',
      handler: () => {
        throw new RangeError('boom');
      },
    });
    await server.start();
    ready.call(server.listener);
  },
};

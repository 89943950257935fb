const connect = require('connect');
const app = connect();
const nested = connect();
nested.use('/deep', (request, response) => response.end(`deep ${request.url}`));
app.use((_request, _response, next) => next());
app.use('/admin', nested);
app.use('/users', (request, response) => response.end(`user ${request.url}`));
app.use('/fail', () => {
  throw new RangeError('boom');
});
module.exports = { serve: (port, ready) => app.listen(port, '127.0.0.1', ready) };

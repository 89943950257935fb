/** Express 4 and 5 (EX): mounted routers with parameters, arrays, regular expressions, nested applications, errors. */
const express = require(process.env.EX);
const app = express();
app.get('/', (_request, response) => response.send('home'));
app.get('/users/:id', (request, response) => response.json({ id: request.params.id }));
app.get(['/multi/:a', '/other/:b'], (request, response) => response.json(request.params));
app.get(/^\/re\/(\d+)$/, (_request, response) => response.send('re'));
const org = express.Router({ mergeParams: true });
org.get('/members/:m', (request, response) => response.json(request.params));
org.get('/', (request, response) => response.json(request.params));
app.use('/orgs/:org', org);
const shared = express.Router();
shared.get('/item/:id', (_request, response) => response.send('shared'));
app.use('/first/:one', shared);
app.use(['/second', '/third/:two'], shared);
const nested = express();
nested.get('/x/:y', (request, response) => response.send(request.baseUrl + request.path));
const deeper = express.Router();
deeper.get('/z/:z', (_request, response) => response.send('deep'));
nested.use('/deep/:d', deeper);
app.use('/mounted/:app', nested);
app.use('/only/:use', (_request, response) => response.send('middleware'));
app.get('/fail', () => {
  throw new RangeError('boom');
});
app.get('/later', (_request, _response, next) => setImmediate(() => next(new TypeError('late boom'))));
app.use((error, _request, response, _next) => response.status(500).send(`err ${error.message}`));
module.exports = { app, serve: (port, ready) => app.listen(port, '127.0.0.1', ready) };

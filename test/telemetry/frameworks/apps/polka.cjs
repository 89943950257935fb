const polka = require('polka');
const app = polka();
app.get('/users/:id', (request, response) => response.end(request.params.id));
module.exports = { serve: (port, ready) => app.listen(port, '127.0.0.1', () => ready.call(app.server)) };

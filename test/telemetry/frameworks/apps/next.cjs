/** A development server on folders of both kinds, made by the test. */
const http = require('node:http');
const next = require('next');
module.exports = {
  async serve(port, ready) {
    const app = next({ dev: false, dir: process.env.NEXT_DIR });
    await app.prepare();
    const handle = app.getRequestHandler();
    const server = http.createServer((request, response) => void handle(request, response));
    server.listen(port, '127.0.0.1', ready);
  },
};

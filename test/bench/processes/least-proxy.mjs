/**
 * The least that a proxy in Node can do: `node least-proxy.mjs PORT UPSTREAM-PORT http|net`. `http` is Node's server before Node's
 * client, without any check, field or record of its own; `net` reads no HTTP at all and passes the bytes of each connection on.
 */
import http from 'node:http';
import net from 'node:net';

const [port, upstream, kind] = process.argv.slice(2);

function byHttp() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
  const server = http.createServer((request, response) => {
    const { method, url: path, headers } = request;
    const asked = http.request(
      { agent, host: '127.0.0.1', port: Number(upstream), method, path, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    asked.on('error', () => response.destroy());
    request.pipe(asked);
  });
  server.keepAliveTimeout = 0;
  return server;
}

function byNet() {
  return net.createServer({ noDelay: true }, (client) => {
    const server = net.connect({ host: '127.0.0.1', port: Number(upstream), noDelay: true });
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes) => client.write(bytes));
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    client.on('error', () => {});
    server.on('error', () => {});
  });
}

(kind === 'net' ? byNet() : byHttp()).listen(Number(port), '127.0.0.1');

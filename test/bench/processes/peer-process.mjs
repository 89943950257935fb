/** http-proxy-3 as a process for measuring: `node peer-process.mjs PORT UPSTREAM`. */
import http from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [port, target] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
const proxy = createProxyServer({ target, agent, xfwd: true });
proxy.on('error', (_error, _request, response) => response.destroy());
http.createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1');

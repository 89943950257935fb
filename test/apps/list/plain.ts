/** Applications that need Node alone. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Application, Running } from '../harness/application.ts';
import { until } from '../../support/until.ts';

const node = (file: string) => () => ['node', file];
const certificate = (name: string): string =>
  readFileSync(path.join(import.meta.dirname, '../../fixtures/tls', name), 'utf8');

/** Answers of many kinds, all determined by the request. */
const SERVER = `
const http = require('node:http');
const handler = (req, res) => {
  const chunks = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    const body = Buffer.concat(chunks);
    const { pathname } = new URL(req.url, 'http://x');
    if (pathname === '/health') return res.writeHead(200, { 'Content-Type': 'text/plain', 'X-Own': 'yes' }).end('mine');
    if (pathname === '/cookies') res.setHeader('Set-Cookie', ['a=1; HttpOnly', 'b=2; Path=/x']);
    if (pathname === '/nothing') return res.writeHead(204).end();
    if (pathname === '/cached') { res.setHeader('Cache-Control', 'max-age=60'); return res.end('counted ' + (++count > 0)); }
    if (pathname === '/odd') return res.writeHead(299, 'Rather Odd', { 'x-mIxEd': 'Case', 'Content-Type': 'x/y' }).end('odd');
    if (pathname === '/chunks') { res.write('one,'); return setTimeout(() => { res.write('two,'); res.end('three'); }, 20); }
    if (pathname === '/close') return req.socket.destroy();
    if (pathname === '/exit') { res.end('bye'); return setTimeout(() => process.exit(Number(new URL(req.url, 'http://x').searchParams.get('code') ?? 7)), 50); }
    if (pathname === '/throw') { res.end('soon'); return setTimeout(() => { throw new Error('on purpose'); }, 50); }
    res.setHeader('Content-Type', 'text/plain');
    res.end(req.method + ' ' + req.url + ' ' + body.length + ' ' + (req.headers['x-probe'] ?? '') + ' ' + req.headers.host);
  });
};
let count = 0;
`;

const PROBES = ['/', '/health', '/readyz', '/cookies', '/nothing', '/cached', '/odd', '/chunks', '/search?q=1'].map(
  (each) => ({ path: each }),
);

const served = (
  name: string,
  tail: string,
  more: Partial<Application> = {},
  files: Readonly<Record<string, string>> = {},
): Application => ({
  name,
  files: { 'server.cjs': `${SERVER}${tail}`, ...files },
  command: node('server.cjs'),
  ready: '/',
  probes: PROBES,
  ...more,
});

const LISTEN = 'http.createServer(handler).listen(process.env.PORT);';
const KEY_AND_CERTIFICATE = { 'key.pem': certificate('key.pem'), 'cert.pem': certificate('cert.pem') };

export const PLAIN: readonly Application[] = [
  served('node:http', LISTEN),
  served('node:http on ::1', "http.createServer(handler).listen(process.env.PORT, '::1');"),
  served('node:http on 0.0.0.0', "http.createServer(handler).listen(process.env.PORT, '0.0.0.0');"),
  served('node:http on a Unix socket', "http.createServer(handler).listen(__dirname + '/app.sock');", {
    speech: 'unix',
    own: ({ dir }) => path.join(dir, 'app.sock'),
  }),
  served(
    'node:https with an own certificate',
    "const fs = require('node:fs'); require('node:https').createServer({ key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem') }, handler).listen(process.env.PORT);",
    { speech: 'https' },
    KEY_AND_CERTIFICATE,
  ),
  {
    name: 'node:http2 without TLS (h2c)',
    files: {
      'server.cjs': `require('node:http2').createServer((req, res) => {
        res.setHeader('content-type', 'text/plain');
        res.end(req.method + ' ' + req.url);
      }).listen(process.env.PORT);`,
    },
    command: node('server.cjs'),
    speech: 'h2c',
    ready: '/',
    probes: [{ path: '/' }, { path: '/a/b?c=1' }],
  },
  served(
    'cluster of four workers',
    "const c = require('node:cluster'); if (c.isPrimary) { for (let i = 0; i < 4; i++) c.fork(); process.on('SIGTERM', () => { for (const w of Object.values(c.workers)) w.kill(); setTimeout(() => process.exit(0), 300); }); } else http.createServer(handler).listen(process.env.PORT);",
  ),
  served(
    'a server with a worker thread',
    "new (require('node:worker_threads').Worker)('setInterval(() => {}, 500)', { eval: true }); " + LISTEN,
  ),
  served(
    'two ports, the second one is PORT',
    "http.createServer((q, r) => r.end('admin')).listen(0, '127.0.0.1', () => setTimeout(() => http.createServer(handler).listen(process.env.PORT, () => console.log('shop up')), 500));",
    { printed: /shop up/ },
  ),
  served(
    'two ports of its own, one named by --upstream-port',
    "http.createServer((q, r) => r.end('admin')).listen(0, '127.0.0.1', () => setTimeout(() => http.createServer(handler).listen(Number(process.env.SHOP), () => console.log('shop up')), 500));",
    {
      printed: /shop up/,
      own: ({ port }) => port - 1,
      env: ({ port }) => ({ SHOP: String(port - 1) }),
      flags: ({ port }) => ['--upstream-port', String(port - 1)],
    },
  ),
  served('a port of its own, with the inspector open', 'http.createServer(handler).listen(Number(process.env.SHOP));', {
    command: () => ['node', '--inspect=127.0.0.1:0', 'server.cjs'],
    own: ({ port }) => port - 1,
    env: ({ port }) => ({ SHOP: String(port - 1) }),
  }),
  served('a start of 20 s', `setTimeout(() => { ${LISTEN} }, 20_000);`),
  served('SIGINT', LISTEN, { end: 'SIGINT' }),
  served('SIGHUP', LISTEN, { end: 'SIGHUP' }),
  served('an own handler of SIGTERM', `${LISTEN} process.on('SIGTERM', () => process.exit(42));`),
  served('process.exit in a handler', LISTEN, { end: '/exit?code=9' }),
  served('an uncaught error later', LISTEN, { end: '/throw' }),
  {
    name: 'a crash at the start',
    files: { 'server.cjs': "throw new Error('cannot start')" },
    command: node('server.cjs'),
    end: 'itself',
  },
  {
    name: 'a worker without a port',
    files: { 'worker.cjs': "console.log('working'); setInterval(() => {}, 1000);" },
    command: node('worker.cjs'),
    printed: /working/,
  },
  {
    name: 'a job that ends by itself',
    files: {
      'job.cjs': `let times = 0; process.on('beforeExit', () => console.log('before exit', ++times));
        process.on('exit', (code) => console.log('exit', code)); setTimeout(() => { process.exitCode = 3; console.log('job done'); }, 300);`,
    },
    command: node('job.cjs'),
    end: 'itself',
    steps: async ({ output }: Running) => {
      await until(() => output().includes('exit 3'), 60_000, output);
      return output().match(/^(?:before exit.*|exit.*|job done)$/gm);
    },
  },
  {
    name: 'stdin',
    files: { 'echo.cjs': "process.stdin.on('data', (b) => process.stdout.write('got ' + b)); console.log('reads');" },
    command: () => ['sh', '-c', 'printf "a line\\n" | node echo.cjs'],
    end: 'itself',
    steps: async ({ output }: Running) => until(() => output().match(/got a line/)?.[0], 60_000, output),
  },
  served('a shell that starts two processes', LISTEN, {
    command: () => ['sh', '-c', 'node -e "setInterval(() => {}, 1000)" & node server.cjs'],
    end: '/exit?code=5',
  }),
];

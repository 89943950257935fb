/** Applications by their real packages: launchers, frameworks' servers and finished applications. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Application, Place, Running } from '../harness/application.ts';
import { runToEnd } from '../../support/program.ts';
import { until } from '../../support/until.ts';

const SERVER = `require('node:http').createServer((q, r) => { r.setHeader('Content-Type', 'text/plain'); r.end(q.method + ' ' + q.url); }).listen(process.env.PORT);`;
const MANIFEST = JSON.stringify({ name: 'app', private: true, scripts: { start: 'node server.cjs' } });
const PATHS = ['/', '/a/b', '/health', '/search?q=1'].map((each) => ({ path: each }));

const started = (name: string, words: readonly string[], more: Partial<Application> = {}): Application => ({
  name,
  files: { 'server.cjs': SERVER, 'package.json': MANIFEST },
  command: () => words,
  ready: '/',
  probes: PATHS,
  packages: '.',
  ...more,
});

/** A published package can be installed again. */
async function publishAndInstall({ dir, url }: Running): Promise<unknown> {
  const folder = path.join(dir, 'published');
  const registry = `${url}/`;
  const npm = async (cwd: string, ...words: string[]): Promise<number> => {
    const token = `--//${new URL(url).host}/:_authToken=anybody`;
    const cache = `--cache=${path.join(dir, 'npm-cache')}`;
    const run = await runToEnd('npm', [...words, `--registry=${registry}`, token, cache, '--no-audit'], { cwd });
    return run.code;
  };
  writeFileSync(path.join(folder, 'index.js'), `module.exports = ${JSON.stringify('x'.repeat(20_000))};`);
  return [await npm(folder, 'publish'), await npm(path.join(dir, 'consumer'), 'install', 'vitrine-published')];
}

/** The page's WebSocket says that a module has changed. */
async function hotReload({ dir, url }: Running): Promise<unknown> {
  const page = await (await fetch(`${url}/@vite/client`)).text();
  const token = /wsToken = "([^"]+)"/.exec(page)?.[1] ?? '';
  await (await fetch(`${url}/main.js`)).text();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/?token=${token}`, 'vite-hmr');
  const heard: string[] = [];
  socket.addEventListener('message', ({ data }) => heard.push(String(JSON.parse(String(data)).type)));
  await until(() => heard.includes('connected'), 30_000);
  writeFileSync(path.join(dir, 'main.js'), 'export const changed = true; import.meta.hot?.accept();');
  await until(() => heard.includes('update') || heard.includes('full-reload'), 30_000);
  socket.close();
  return ['connected', 'changed'];
}

const verdaccioConfig = `storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
packages: { '**': { access: $all, publish: $all, unpublish: $all } }
log: { type: stdout, format: pretty, level: warn }
`;

export const PACKAGES: readonly Application[] = [
  started('npm start', ['npm', 'start']),
  started('yarn start', ['yarn', 'start']),
  started('pnpm start', ['pnpm', 'start']),
  started('nodemon', ['nodemon', 'server.cjs']),
  started('tsx', ['tsx', 'server.ts'], {
    files: { 'server.ts': `const answer: string = 'typed';\n${SERVER}`, 'package.json': MANIFEST },
  }),
  started('pm2-runtime with two workers', ['pm2-runtime', 'server.cjs', '-i', '2'], {
    env: ({ dir }: Place) => ({ PM2_HOME: path.join(dir, '.pm2') }),
  }),
  started('signal-exit', ['node', 'server.cjs'], {
    files: {
      'server.cjs': `require('signal-exit').onExit((code, signal) => console.log('cleanup', code, signal)); ${SERVER}`,
    },
  }),
  started('express with a body, a file and a range', ['node', 'server.cjs'], {
    files: {
      'server.cjs': `const app = require('express')(); app.get('/', (q, r) => r.send('home'));
        app.post('/json', require('express').json(), (q, r) => r.json(q.body));
        app.get('/file', (q, r) => r.sendFile(__filename)); app.listen(process.env.PORT);`,
    },
    probes: [
      { path: '/' },
      { path: '/file', headers: { range: 'bytes=0-99' } },
      { path: '/json', method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":[1,2]}' },
      { path: '/health' },
    ],
  }),
  started('json-server', ['json-server', 'db.json'], {
    files: { 'db.json': '{"posts":[{"id":"1","title":"one"}]}' },
    command: ({ port }: Place) => ['json-server', 'db.json', '--port', String(port)],
    ready: '/posts',
    probes: [{ path: '/posts' }, { path: '/posts/1' }, { path: '/posts/9' }],
  }),
  started('a Vite dev server with hot reload', [], {
    files: {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': 'export const changed = false; import.meta.hot?.accept();',
    },
    command: ({ port }: Place) => ['vite', '--host', '127.0.0.1', '--port', String(port), '--strictPort'],
    probes: [{ path: '/' }, { path: '/main.js' }, { path: '/no-such-module.js' }],
    steps: hotReload,
  }),
  started('verdaccio with publish and install', [], {
    files: {
      'config.yaml': verdaccioConfig,
      'published/package.json': '{"name":"vitrine-published","version":"1.0.0"}',
      'consumer/package.json': '{"name":"consumer","private":true}',
    },
    command: ({ port }: Place) => ['verdaccio', '--config', 'config.yaml', '--listen', `127.0.0.1:${port}`],
    ready: '/-/ping',
    probes: [{ path: '/-/ping' }, { path: '/-/v1/search?text=x' }, { path: '/-/whoami' }],
    steps: publishAndInstall,
    startLimitMs: 120_000,
  }),
  started('node-red', [], {
    command: ({ port, dir }: Place) => ['node-red', '--userDir', path.join(dir, 'red'), '--port', String(port)],
    probes: [{ path: '/' }, { path: '/settings' }, { path: '/flows' }],
    startLimitMs: 120_000,
  }),
  started('a documentation site (VitePress)', [], {
    files: {
      'index.md': '# Home\n\nText.',
      'guide/start.md': '# Start\n\n[Home](/)',
      'package.json': MANIFEST,
    },
    command: ({ port }: Place) => ['vitepress', 'dev', '.', '--host', '127.0.0.1', '--port', String(port)],
    probes: [{ path: '/' }, { path: '/guide/start' }, { path: '/index.md' }, { path: '/no-such-page' }],
    startLimitMs: 120_000,
  }),
];

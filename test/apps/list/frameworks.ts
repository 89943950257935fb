/** Frameworks by their real packages: the applications of test/telemetry/frameworks, with the routes that each of them has. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Application, Probe } from '../harness/application.ts';

const APPS = path.join(import.meta.dirname, '../../telemetry/frameworks/apps');
/** There version 5 is under its own name, beside version 4. */
const source = (file: string): string =>
  readFileSync(path.join(APPS, file), 'utf8').replaceAll("'express5'", "'express'");

const START = `import(new URL(process.argv[2], import.meta.url).href).then((app) => {
  const { serve } = app.serve ? app : app.default;
  serve(Number(process.env.PORT), () => console.log('it is up'));
});`;

function framework(
  name: string,
  file: string,
  paths: readonly (string | Probe)[],
  more: Partial<Application> = {},
): Application {
  const { files = {}, ...rest } = more;
  return {
    name,
    files: { [file]: source(file), 'start.mjs': START, ...files },
    command: () => ['node', 'start.mjs', `./${file}`],
    ready: '/no-such-path',
    printed: /it is up/,
    probes: paths.map((each) => (typeof each === 'string' ? { path: each } : each)),
    packages: '.',
    ...rest,
  };
}

const EXPRESS = [
  '/',
  '/users/7',
  '/multi/1',
  '/other/2',
  '/re/9',
  '/orgs/acme/members/3',
  '/orgs/acme',
  '/first/1/item/2',
  '/third/1/item/2',
  '/mounted/a/x/1',
  '/mounted/a/deep/1/z/2',
  '/fail',
  '/later',
];
const NEXT_FILES = {
  'app/layout.jsx': 'export default ({ children }) => <html><body>{children}</body></html>;',
  'app/items/[id]/page.jsx':
    "export const dynamic = 'force-dynamic'; export default async function Page({ params }) { return <p>{(await params).id}</p>; }",
  'app/api/[name]/route.js':
    'export const GET = async (request, { params }) => Response.json({ name: (await params).name });',
  'pages/old/[slug].jsx':
    'export default function Old({ slug }) { return <p>{slug}</p>; } export const getServerSideProps = ({ params }) => ({ props: params });',
};
const GRAPHQL: Probe = {
  path: '/graphql',
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: '{"query":"query Greeting { hello }"}',
};

export const FRAMEWORKS: readonly Application[] = [
  framework('express 4', 'express.cjs', EXPRESS, { env: () => ({ EX: 'express4' }) }),
  framework('express 5', 'express.cjs', EXPRESS, { env: () => ({ EX: 'express' }) }),
  framework('koa with @koa/router', 'koa.cjs', ['/users/7', '/orgs/acme/members/3', '/fail'], {
    env: () => ({ ROUTER: '@koa/router' }),
  }),
  framework('fastify', 'fastify.cjs', ['/users/7', '/orgs/acme/members/3', '/fail']),
  framework('hapi', 'hapi.cjs', ['/users/7', '/orgs/acme/members/3', '/fail']),
  framework('nest on express', 'nest.cjs', ['/users/7', '/users/fail']),
  framework('hono', 'hono.mjs', ['/users/7', '/orgs/acme/members/3', '/fail']),
  framework('restify', 'restify.cjs', ['/users/7', '/fail']),
  framework('polka', 'polka.cjs', ['/users/7']),
  framework('connect', 'connect.cjs', ['/users/7', '/admin/deep/y', '/fail']),
  framework('tRPC', 'trpc.cjs', ['/trpc/user.byId', '/trpc/fail', '/trpc/none']),
  framework('GraphQL over HTTP', 'graphql.cjs', [GRAPHQL, '/graphql?query=%7Bhello%7D']),
  framework('React Router (Remix)', 'react-router.mjs', ['/users/7', '/users', '/other']),
  {
    name: 'a Next.js dev server with hot reload, app and pages router',
    files: {
      ...NEXT_FILES,
      'package.json': '{"name":"app","private":true,"scripts":{"dev":"next dev"}}',
      'next.config.mjs': 'export default { devIndicators: false, turbopack: { root: process.cwd() } };',
    },
    command: ({ port }) => ['next', 'dev', '--webpack', '--hostname', '127.0.0.1', '--port', String(port)],
    env: () => ({ NEXT_TELEMETRY_DISABLED: '1' }),
    ready: '/api/first',
    startLimitMs: 180_000,
    probes: [{ path: '/items/7' }, { path: '/api/acme' }, { path: '/old/x' }, { path: '/nowhere' }],
    packages: '.',
  },
];

import { createRequestHandler } from '@react-router/express';
import express from 'express5';
const page = { default: () => null, loader: () => Response.json({ ok: true }) };
const routes = {
  root: { id: 'root', path: '', module: { ...page, default: () => null } },
  users: { id: 'users', parentId: 'root', path: 'users', module: {} },
  user: { id: 'user', parentId: 'users', path: ':id', module: { loader: page.loader } },
};
const build = {
  entry: { module: { default: () => new Response('page') } },
  routes,
  assets: { entry: { module: '', imports: [] }, routes: {}, url: '', version: '1' },
  publicPath: '/',
  assetsBuildDirectory: 'x',
  basename: '/',
  future: {},
  ssr: true,
  isSpaMode: false,
  prerender: [],
  routeDiscovery: { mode: 'initial' },
};
const app = express();
app.all('/{*splat}', createRequestHandler({ build }));
export const serve = (port, ready) => app.listen(port, '127.0.0.1', ready);

import { serve as start } from '@hono/node-server';
import { Hono } from 'hono';
const app = new Hono();
app.use('*', async (_c, next) => next());
app.get('/users/:id', (c) => c.text(c.req.param('id')));
const orgs = new Hono();
orgs.get('/members/:m', (c) => c.text(c.req.param('m')));
app.route('/orgs/:org', orgs);
app.get('/fail', () => {
  throw new RangeError('boom');
});
export const serve = (port, ready) => {
  const server = start({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => ready.call(server));
};

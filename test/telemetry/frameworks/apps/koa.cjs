const Koa = require('koa');
const Router = require(process.env.ROUTER);
const router = new Router();
router.get('/users/:id', (ctx) => (ctx.body = ctx.params.id));
const nested = new Router();
nested.get('/members/:m', (ctx) => (ctx.body = ctx.params.m));
router.use('/orgs/:org', nested.routes());
router.get('/fail', () => {
  throw new RangeError('boom');
});
const app = new Koa();
app.silent = true;
app.use(router.routes());
module.exports = { serve: (port, ready) => app.listen(port, '127.0.0.1', ready) };

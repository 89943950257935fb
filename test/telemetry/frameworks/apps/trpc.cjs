const { initTRPC } = require('@trpc/server');
const { createExpressMiddleware } = require('@trpc/server/adapters/express');
const express = require('express5');
const t = initTRPC.create();
const router = t.router({
  user: t.router({ byId: t.procedure.query(() => ({ id: 1 })) }),
  fail: t.procedure.query(() => {
    throw new RangeError('boom');
  }),
});
const app = express();
app.use('/trpc', createExpressMiddleware({ router }));
module.exports = { serve: (port, ready) => app.listen(port, '127.0.0.1', ready) };

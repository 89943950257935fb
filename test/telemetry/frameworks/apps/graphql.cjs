const express = require('express5');
const { buildSchema } = require('graphql');
const { createHandler } = require('graphql-http/lib/use/express');
const app = express();
app.all(
  '/graphql',
  createHandler({ schema: buildSchema('type Query { hello: String }'), rootValue: { hello: 'world' } }),
);
module.exports = { serve: (port, ready) => app.listen(port, '127.0.0.1', ready) };

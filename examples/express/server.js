// An Express service without any code for Vitrine: `--import vitrine/register` is enough.
import express from 'express';

const app = express();
app.get('/orders/:id', (request, response) => {
  response.json({ id: request.params.id });
});
app.get('/broken', () => {
  throw new Error('the shelf is empty');
});
const server = app.listen(Number(process.env.PORT ?? 3001), '127.0.0.1');
process.once('SIGTERM', () => server.close());

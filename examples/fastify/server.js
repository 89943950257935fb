// A Fastify service without any code for Vitrine.
import Fastify from 'fastify';

const app = Fastify();
app.get('/orders/:id', async (request) => ({ id: request.params.id }));
app.get('/broken', async () => {
  throw new Error('the shelf is empty');
});
await app.listen({ port: Number(process.env.PORT ?? 3002), host: '127.0.0.1' });
process.once('SIGTERM', () => void app.close());

/** Puts a body on the wire: small ones whole, large ones as a stream, compressed when the client takes gzip. */
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';
import type { Context } from 'koa';

const GZIP_FROM_BYTES = 1024;
const compress = promisify(gzip);
const JSON_TYPE = 'application/json';

/** Level 1: bodies of numbers shrink to much the same size at a third of the time. */
const LEVEL = { level: 1 };

const takesGzip = (ctx: Context): boolean => ctx.acceptsEncodings('gzip', 'identity') === 'gzip';

export async function answer(ctx: Context, body: string, status = 200, type = JSON_TYPE): Promise<void> {
  ctx.status = status;
  ctx.set('Content-Type', type);
  ctx.vary('Accept-Encoding');
  if (Buffer.byteLength(body) <= GZIP_FROM_BYTES || !takesGzip(ctx)) {
    ctx.body = body;
    return;
  }
  ctx.set('Content-Encoding', 'gzip');
  ctx.body = await compress(body, LEVEL);
}

/** `chunks` are made as the client takes them. */
export async function answerChunks(ctx: Context, chunks: Generator<string>): Promise<void> {
  const first = chunks.next();
  if (first.done === true) return answer(ctx, '');
  const second = chunks.next();
  if (second.done === true) return answer(ctx, first.value);
  ctx.status = 200;
  ctx.set('Content-Type', JSON_TYPE);
  ctx.vary('Accept-Encoding');
  const stream = Readable.from(rejoin([first.value, second.value], chunks), { objectMode: false });
  if (!takesGzip(ctx)) {
    ctx.body = stream;
    return;
  }
  ctx.set('Content-Encoding', 'gzip');
  ctx.body = stream.pipe(createGzip(LEVEL));
}

function* rejoin(head: readonly string[], rest: Generator<string>): Generator<string> {
  yield* head;
  yield* rest;
}

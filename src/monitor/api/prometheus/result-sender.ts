/**
 * Sends results of queries. The text is made at the speed at which the client reads, a few milliseconds at a time for all
 * clients together. A result stays in memory until it is sent, so the total is limited and each result has a time limit. A
 * client that does not read is disconnected.
 */
import { Readable, pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Context } from 'koa';
import { Turns, type Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { QueryResult, QueryValue } from '../../../model/ports.ts';
import { answer, GZIP_LEVEL, JSON_TYPE, takesGzip } from './answer.ts';
import { resultJson } from './result-json.ts';

const SLICE_MS = 8;

export interface ResultSenderOptions {
  readonly clock: Clock;
  /** Limit for the points of all results that are being sent. A single result may have more. */
  readonly maxPoints: number;
  /** Time limit for one result, from its first byte on. */
  readonly timeoutMs: number;
  /** Other work that shares the slices of the results; default: 8 ms a turn for the results alone. */
  readonly turns?: Turns | undefined;
}

function pointsOf(value: QueryValue): number {
  if (value.kind === 'vector') return value.series.length;
  return value.kind === 'matrix' ? value.series.reduce((sum, { t }) => sum + t.length, 0) : 1;
}

export class ResultSender {
  readonly #options: ResultSenderOptions;
  readonly #turns: Turns;
  #points = 0;

  constructor(options: ResultSenderOptions) {
    this.#options = options;
    this.#turns = options.turns ?? new Turns(options.clock, SLICE_MS);
  }

  /** Points of all results that are being sent. */
  get points(): number {
    return this.#points;
  }

  /** Throws VitrineError `overloaded` when the results being sent exceed the limit. */
  async send(ctx: Context, result: QueryResult): Promise<void> {
    const chunks = resultJson(result);
    const first = chunks.next();
    if (first.done === true) return answer(ctx, '');
    const second = chunks.next();
    if (second.done === true) return answer(ctx, first.value);
    const source = this.#lease(pointsOf(result.value), this.#paced([first.value, second.value], chunks));
    ctx.status = 200;
    ctx.set('Content-Type', JSON_TYPE);
    ctx.vary('Accept-Encoding');
    if (!takesGzip(ctx)) {
      ctx.body = source;
      return;
    }
    ctx.set('Content-Encoding', 'gzip');
    // When one end fails, the other is ended too. Koa ends the side of the client.
    ctx.body = pipeline(source, createGzip(GZIP_LEVEL), () => {});
  }

  #lease(points: number, chunks: AsyncGenerator<string>): Readable {
    const { clock, maxPoints, timeoutMs } = this.#options;
    if (this.#points > 0 && this.#points + points > maxPoints) {
      throw new VitrineError('overloaded', `results of more than ${maxPoints} points are being sent already`);
    }
    this.#points += points;
    const source = Readable.from(chunks, { objectMode: false });
    const cancel = clock.after(timeoutMs, () => source.destroy());
    source.once('close', () => {
      this.#points -= points;
      cancel();
    });
    return source;
  }

  async *#paced(head: readonly string[], rest: Generator<string>): AsyncGenerator<string> {
    yield* head;
    for (;;) {
      if (this.#turns.due) await this.#turns.next();
      const { done, value } = rest.next();
      if (done === true) return;
      yield value;
    }
  }
}

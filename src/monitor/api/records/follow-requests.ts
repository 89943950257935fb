/**
 * `GET /api/requests?follow=true`: matching rows as NDJSON until the client leaves. The ledger is asked once a second for rows
 * that came since, by their number of arrival: a row is then a second old and has the application's route and user, and a slow
 * request, whose row comes long after its begin, is not missed.
 */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { wait, type Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { RecordPosition, RecordSource } from '../../../model/record-source.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { checkedFilter } from '../../search/checker.ts';
import type { Filter } from '../../search/filter.ts';
import { ofUsers } from '../../search/of-users.ts';
import { cursorText } from '../../search/page.ts';
import { scanMatches } from '../../search/scan.ts';
import type { FollowedRequest } from './contract.ts';
import { filterFrom, leaving } from './parameters.ts';
import { requestView } from './request-view.ts';

const EVERY_MS = 1_000;
/** Requests that take longer are listed by a search, not here. */
const LONGEST_MS = 600_000;
const MAX_FOLLOWERS = 16;
/** Rows of one second beyond these are counted. */
const MAX_ROWS = 1_000;

interface Came {
  readonly position: RecordPosition;
  readonly row: RequestRow;
}

export class RequestFollowers {
  readonly #records: RecordSource;
  readonly #clock: Clock;
  #count = 0;

  constructor(records: RecordSource, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  /** @throws VitrineError `query_invalid`, `too_many_requests` */
  async follow(ctx: Context, query: URLSearchParams): Promise<void> {
    if (this.#count >= MAX_FOLLOWERS) {
      throw new VitrineError('too_many_requests', `${MAX_FOLLOWERS} clients follow the requests already.`);
    }
    const filter = ofUsers(filterFrom(query, this.#clock.now()));
    const signal = leaving(ctx);
    this.#count += 1;
    signal.addEventListener('abort', () => (this.#count -= 1), { once: true });
    const newest = await this.#newest();
    ctx.status = 200;
    ctx.type = 'application/x-ndjson';
    ctx.set({ 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    // Clients learn that they are following before the first row comes.
    ctx.flushHeaders();
    const lines = this.#lines(filter, newest, signal);
    ctx.body = Readable.from(lines, { objectMode: false, highWaterMark: 64 * 1024 });
  }

  /** The highest number of arrival so far. */
  async #newest(): Promise<number> {
    let newest = 0;
    const all = { signal: 'requests', filter: checkedFilter('', this.#clock.now()), ...this.#range() } as const;
    await scanMatches(this.#records, all, this.#clock, (batch, rows) => {
      for (const row of rows) newest = Math.max(newest, batch.positionOf(row).sequence);
    });
    return newest;
  }

  async *#lines(filter: Filter, after: number, signal: AbortSignal): AsyncGenerator<string> {
    let newest = after;
    while (!signal.aborted) {
      const came: Came[] = [];
      const asked = { signal: 'requests', filter, ...this.#range(), signalled: signal } as const;
      await scanMatches(this.#records, asked, this.#clock, (batch, rows) => {
        for (const row of rows) {
          const position = batch.positionOf(row);
          if (position.sequence > newest) came.push({ position, row: batch.record(row) });
        }
      });
      came.sort((a, b) => a.position.sequence - b.position.sequence);
      newest = came.at(-1)?.position.sequence ?? newest;
      const dropped = Math.max(0, came.length - MAX_ROWS);
      if (dropped > 0) yield text({ dropped });
      for (const { position, row } of came.slice(dropped)) yield text(requestView(row, cursorText(position)));
      await wait(this.#clock, EVERY_MS, signal).catch(() => undefined);
    }
  }

  #range(): { readonly fromMs: number; readonly toMs: number } {
    const nowMs = this.#clock.now();
    return { fromMs: nowMs - LONGEST_MS, toMs: nowMs + LONGEST_MS };
  }
}

const text = (line: FollowedRequest): string => `${JSON.stringify(line)}\n`;

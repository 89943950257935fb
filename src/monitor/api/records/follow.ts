/**
 * `GET /api/logs?follow=true`: matching lines as NDJSON, as they come, until the client leaves. A line has the id that it has in
 * answers of a search: a client that searches after the headers came misses none, and knows the ones that it has twice.
 */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { Clock } from '../../../base/clock.ts';
import { cursorText } from '../../search/page.ts';
import type { Follower, Tail } from '../../search/tail.ts';
import type { FollowedLine } from './contract.ts';
import { attributesOf, logView } from '../views.ts';
import { filterFrom, leaving } from './parameters.ts';

const NDJSON = 'application/x-ndjson';

/** @throws VitrineError `query_invalid`, `too_many_requests` */
export function follow(ctx: Context, tail: Tail, query: URLSearchParams, clock: Clock): void {
  const follower = tail.follow(filterFrom(query, clock.now()));
  const signal = leaving(ctx);
  ctx.status = 200;
  ctx.type = NDJSON;
  ctx.set({ 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  // Clients learn that they are following before the first line comes.
  ctx.flushHeaders();
  ctx.body = Readable.from(lines(follower, signal), { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* lines(follower: Follower, signal: AbortSignal): AsyncGenerator<string> {
  using following = follower;
  while (!signal.aborted) {
    const { lines: found, dropped } = await following.next(signal);
    if (dropped > 0) yield text({ dropped });
    for (const { record, position } of found) {
      const view = logView(record, position === undefined ? undefined : cursorText(position));
      yield text({ ...view, resource: attributesOf(record.resource.attributes) });
    }
  }
}

const text = (line: FollowedLine): string => `${JSON.stringify(line)}\n`;

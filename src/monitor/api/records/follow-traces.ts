/**
 * `GET /api/traces?follow=true`: traces with a matching span as NDJSON, each once, until the client leaves. A trace is written two
 * seconds after its first matching span came, because its spans come from several processes.
 */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { wait, type Clock } from '../../../base/clock.ts';
import type { SpanSource } from '../../../model/ports.ts';
import { traceSummary } from '../../search/traces.ts';
import type { TraceFollower, TraceTail } from '../../search/trace-tail.ts';
import { summaryView } from '../views.ts';
import type { FollowedTrace } from './contract.ts';
import { filterFrom, leaving } from './parameters.ts';

const EVERY_MS = 500;
/** Each process sends once a second. */
export const WHOLE_AFTER_MS = 2_000;

export interface TraceFollowing {
  readonly traceTail: TraceTail;
  readonly spans: SpanSource;
  readonly clock: Clock;
}

/** @throws VitrineError `query_invalid`, `too_many_requests` */
export function followTraces(ctx: Context, following: TraceFollowing, query: URLSearchParams): void {
  const follower = following.traceTail.follow(filterFrom(query, following.clock.now()));
  const signal = leaving(ctx);
  ctx.status = 200;
  ctx.type = 'application/x-ndjson';
  ctx.set({ 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  // Clients learn that they are following before the first trace comes.
  ctx.flushHeaders();
  ctx.body = Readable.from(lines(follower, following, signal), { objectMode: false, highWaterMark: 64 * 1024 });
}

async function* lines(
  follower: TraceFollower,
  { spans, clock }: TraceFollowing,
  signal: AbortSignal,
): AsyncGenerator<string> {
  using following = follower;
  while (!signal.aborted) {
    const { traceIds, dropped } = following.take(clock.monotonic() - WHOLE_AFTER_MS);
    if (dropped > 0) yield text({ dropped });
    for (const traceId of traceIds) {
      const found = await spans.trace(traceId);
      if (found.length > 0) yield text(summaryView(traceSummary(found), found));
    }
    await wait(clock, EVERY_MS, signal).catch(() => undefined);
  }
}

const text = (line: FollowedTrace): string => `${JSON.stringify(line)}\n`;

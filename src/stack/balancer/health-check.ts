/**
 * Active checks: each upstream is asked by HTTP, because one that hangs still accepts connections. So many good answers in
 * a row bring it up, so many bad ones take it down. The checks appear in no request count and no trace.
 */
import type { Clock } from '../../base/clock.ts';
import type { ReplyHead } from './reply-head.ts';
import { UpstreamConnection, type ExchangeEvents } from './upstream-connection.ts';
import type { Upstream } from './upstream.ts';

export interface HealthCheckRules {
  readonly path: string;
  readonly interval: number;
  readonly up: number;
  readonly down: number;
}

/** Asks once. Resolves with whether an answer below 500 came within `limitMs`. */
function ask(upstream: Upstream, path: string, limitMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    let cancel = (): void => {};
    const settle = (good: boolean): void => {
      cancel();
      connection.destroy();
      resolve(good);
    };
    const events: ExchangeEvents = {
      onConnected() {},
      onHead: (head: ReplyHead) => settle(head.status < 500),
      onBody() {},
      onFlush() {},
      onWritable() {},
      onComplete() {},
      onFailed: () => settle(false),
    };
    const connection = new UpstreamConnection(upstream.endpoint, () => {});
    cancel = clock.after(limitMs, () => settle(false));
    const text = `GET ${path} HTTP/1.1\r\nHost: ${upstream.name}\r\nUser-Agent: vitrine-health-check\r\nConnection: close\r\n\r\n`;
    connection.begin('GET', text, events);
  });
}

/** Checks the address that `upstreams` share (one of each route that uses it). Returns what stops it. */
export function checkHealth(upstreams: readonly Upstream[], rules: HealthCheckRules, clock: Clock): () => void {
  let stopped = false;
  let cancel = (): void => {};
  let good = 0;
  let bad = 0;
  const round = async (): Promise<void> => {
    const startMs = clock.monotonic();
    const isGood = await ask(upstreams[0], rules.path, rules.interval, clock);
    if (stopped) return;
    good = isGood ? good + 1 : 0;
    bad = isGood ? 0 : bad + 1;
    for (const upstream of upstreams) {
      if (good >= rules.up) upstream.checked(true);
      else if (bad >= rules.down) upstream.checked(false);
    }
    cancel = clock.after(Math.max(0, rules.interval - (clock.monotonic() - startMs)), () => void round());
  };
  if (rules.interval > 0) void round();
  return () => {
    stopped = true;
    cancel();
  };
}

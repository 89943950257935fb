/**
 * Active checks: each upstream is asked by HTTP, because an upstream that hangs still accepts connections. A number of good
 * answers in a row marks it as up, and a number of bad ones as down. A 503 marks it as down at once, because with 503 the
 * upstream itself says that it takes no requests: it drains and will close its port soon. For the same reason an upstream
 * that begins to close its connections is checked at once. The checks appear in no request count and no trace.
 */
import type { Clock } from '../../../base/clock.ts';
import { Checker } from './checker.ts';
import type { Upstream } from './upstream.ts';

export interface HealthCheckRules {
  readonly path: string;
  readonly interval: number;
  readonly up: number;
  readonly down: number;
}

/** Minimum time between the starts of two checks, however often an upstream closes connections. */
const LEAST_GAP_MS = 100;

/** Checks the address that `upstreams` share (one of each route that uses it). Returns a function that ends the checks. */
export function checkHealth(upstreams: readonly Upstream[], rules: HealthCheckRules, clock: Clock): () => void {
  if (rules.interval <= 0) return () => {};
  let stopped = false;
  let cancel = (): void => {};
  let good = 0;
  let bad = 0;
  let startMs = 0;
  let asking = false;
  let again = false;
  const plan = (gapMs: number): void => {
    cancel();
    if (!stopped) cancel = clock.after(Math.max(0, gapMs - (clock.monotonic() - startMs)), () => void round());
  };
  const round = async (): Promise<void> => {
    startMs = clock.monotonic();
    const fresh = again || good === 0;
    asking = true;
    again = false;
    const answer = await checker.ask(rules.interval, fresh);
    asking = false;
    if (stopped) return;
    good = answer === 'good' ? good + 1 : 0;
    bad = answer === 'good' ? 0 : answer === 'bad' ? bad + 1 : rules.down;
    for (const upstream of upstreams) {
      if (good >= rules.up) upstream.checked(true);
      else if (bad >= rules.down) upstream.checked(false);
    }
    plan(again ? LEAST_GAP_MS : rules.interval);
  };
  const farewell = (): void => {
    // The running check may have been answered before this event.
    again = true;
    if (!asking) plan(LEAST_GAP_MS);
  };
  const checker = new Checker(upstreams[0], rules.path, clock, farewell);
  for (const upstream of upstreams) upstream.onFarewell = farewell;
  void round();
  return () => {
    stopped = true;
    cancel();
    checker.close();
  };
}

/**
 * Active checks: each upstream is asked by HTTP, because an upstream that hangs still accepts connections. A number of good
 * answers in a row marks it as up, and a number of bad ones as down. A 503 marks it as down at once, because with 503 the
 * upstream itself says that it takes no requests: it drains and will close its port soon. For the same reason an upstream
 * that begins to close its connections is checked at once. The checks appear in no request count and no trace.
 */
import type { Clock } from '../../../base/clock.ts';
import { HEALTH_CHECK_AGENT } from '../../../telemetry/spans/unobserved-requests.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { Carrier, ExchangeEvents } from './carrier.ts';
import type { Upstream } from './upstream.ts';

export interface HealthCheckRules {
  readonly path: string;
  readonly interval: number;
  readonly up: number;
  readonly down: number;
}

/** `good`: below 500. `unready`: 503. `bad`: any other answer, or no answer in time. */
type Answer = 'good' | 'unready' | 'bad';

const UNREADY = 503;
/** Minimum time between the starts of two checks, however often an upstream closes connections. */
const LEAST_GAP_MS = 100;

function answerOf({ status }: ReplyHead): Answer {
  if (status < 500) return 'good';
  return status === UNREADY ? 'unready' : 'bad';
}

/** Makes one check. */
function ask(upstream: Upstream, path: string, limitMs: number, clock: Clock): Promise<Answer> {
  return new Promise((resolve) => {
    let cancel = (): void => {};
    let settled = false;
    let carrier: Carrier | undefined;
    const settle = (answer: Answer): void => {
      if (settled) return;
      settled = true;
      cancel();
      carrier?.destroy();
      resolve(answer);
    };
    const events: ExchangeEvents = {
      onConnected() {},
      onInterim() {},
      onHead: (head: ReplyHead) => settle(answerOf(head)),
      onBody() {},
      onFlush() {},
      onWritable() {},
      onComplete() {},
      onFailed: () => settle('bad'),
    };
    // When this process was busy, an answer that came in time may not have been read yet. It is read first.
    cancel = clock.after(limitMs, () => void setImmediate(() => settle('bad')));
    const text = `GET ${path} HTTP/1.1\r\nHost: ${upstream.name}\r\nUser-Agent: ${HEALTH_CHECK_AGENT}\r\nConnection: close\r\n\r\n`;
    carrier = upstream.beginAlone({ method: 'GET', bytes: text, complete: true }, events);
    if (settled) carrier.destroy();
  });
}

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
    asking = true;
    again = false;
    const answer = await ask(upstreams[0], rules.path, rules.interval, clock);
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
  for (const upstream of upstreams) {
    upstream.onFarewell = () => {
      // The running check may have been answered before this event.
      again = true;
      if (!asking) plan(LEAST_GAP_MS);
    };
  }
  void round();
  return () => {
    stopped = true;
    cancel();
  };
}

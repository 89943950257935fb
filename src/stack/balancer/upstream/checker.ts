/**
 * Asks one upstream for its health. While all is well, checks share a connection for some seconds, as with Envoy's
 * `reuse_connection` (HAProxy and nginx open one for each check): opening and closing connections was a tenth of the work of
 * an idle balancer and of the services behind it. After an answer that is not good, and at the latest after `KEPT_MS`, a new connection shows that
 * the upstream still accepts them.
 */
import type { Clock } from '../../../base/clock.ts';
import { HEALTH_CHECK_AGENT } from '../../../telemetry/spans/unobserved-requests.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { Carrier, ExchangeEvents } from './carrier.ts';
import { UpstreamConnection } from './connection.ts';
import type { Upstream } from './upstream.ts';

/** `good`: below 500. `unready`: 503. `bad`: any other answer, or no answer in time. */
export type CheckAnswer = 'good' | 'unready' | 'bad';

/** `lost`: the connection broke before an answer. */
type Outcome = CheckAnswer | 'lost';

const UNREADY = 503;
/** A connection carries checks for so long. */
const KEPT_MS = 10_000;
/** A longer body of an answer is not read: its connection is closed. */
const BODY_LIMIT = 16 * 1024;

function answerOf({ status }: ReplyHead): CheckAnswer {
  if (status < 500) return 'good';
  return status === UNREADY ? 'unready' : 'bad';
}

/** Sends the check and returns its first result. After a good answer the connection may be given to `onReusable`. */
class Check implements ExchangeEvents {
  readonly outcome: Promise<Outcome>;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #onReusable: (connection: UpstreamConnection) => void;
  readonly #cancel: () => void;
  #carrier: Carrier | undefined;
  #settled = false;
  #over = false;
  #bodyBytes = 0;

  constructor(clock: Clock, limitMs: number, onReusable: (connection: UpstreamConnection) => void) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#onReusable = onReusable;
    // When this process was busy, an answer that came in time may not have been read yet. It is read first.
    this.#cancel = clock.after(limitMs, () => void setImmediate(() => this.#settled || this.#end('bad')));
  }

  /** The check was sent on `carrier`. */
  on(carrier: Carrier): void {
    this.#carrier = carrier;
    if (this.#over) carrier.destroy();
  }

  /** The connection is not used again. */
  #end(outcome: Outcome): void {
    this.#settle(outcome);
    this.give();
  }

  /** Gives up the part of the answer that has not arrived. */
  give(): void {
    this.#over = true;
    this.#carrier?.destroy();
  }

  #settle(outcome: Outcome): void {
    this.#settled = true;
    this.#cancel();
    this.#resolve(outcome);
  }

  onConnected(): void {}
  onInterim(): void {}
  onFlush(): void {}
  onWritable(): void {}

  onHead(head: ReplyHead): void {
    const answer = answerOf(head);
    this.#settle(answer);
    if (answer !== 'good' || !head.keepAlive || head.bodyBytes > BODY_LIMIT) this.give();
  }

  onBody(bytes: Buffer): void {
    this.#bodyBytes += bytes.length;
    if (this.#bodyBytes > BODY_LIMIT) this.give();
  }

  onComplete(reusable: boolean): void {
    const carrier = this.#carrier;
    if (this.#over || !reusable || !(carrier instanceof UpstreamConnection)) {
      this.#end('bad');
      return;
    }
    carrier.detach();
    this.#onReusable(carrier);
  }

  onFailed(kind: string): void {
    this.#end(kind === 'reset' ? 'lost' : 'bad');
  }
}

export class Checker {
  readonly #upstream: Upstream;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #onFarewell: () => void;
  #check: Check | undefined;
  #kept: UpstreamConnection | undefined;
  #openedMs = -Infinity;
  /** Checks that the present connection has carried. */
  #uses = 0;
  #closed = false;

  /** `onFarewell` is called when the upstream closes a connection that it had kept after a check before: it may be ending. */
  constructor(upstream: Upstream, path: string, clock: Clock, onFarewell: () => void) {
    this.#upstream = upstream;
    this.#path = path;
    this.#clock = clock;
    this.#onFarewell = onFarewell;
  }

  /** Makes one check. `fresh`: on a new connection. */
  async ask(limitMs: number, fresh: boolean): Promise<CheckAnswer> {
    this.#check?.give();
    const kept = this.#kept;
    this.#kept = undefined;
    const tooOld = this.#clock.monotonic() - this.#openedMs >= KEPT_MS;
    if (kept !== undefined && kept.writable && !fresh && !tooOld && this.#upstream.reaches(kept)) {
      const answer = await this.#send(limitMs, kept);
      // The upstream may have closed an idle connection while the check was on its way.
      if (answer !== 'lost') return answer;
    } else kept?.destroy();
    if (this.#closed) return 'bad';
    this.#openedMs = this.#clock.monotonic();
    this.#uses = 0;
    const answer = await this.#send(limitMs, undefined);
    return answer === 'lost' ? 'bad' : answer;
  }

  #send(limitMs: number, kept: UpstreamConnection | undefined): Promise<Outcome> {
    const bytes = `GET ${this.#path} HTTP/1.1\r\nHost: ${this.#upstream.name}\r\nUser-Agent: ${HEALTH_CHECK_AGENT}\r\n\r\n`;
    const message = { method: 'GET', bytes, complete: true };
    const check = new Check(this.#clock, limitMs, (connection) => this.#keep(connection));
    this.#check = check;
    if (kept === undefined) check.on(this.#upstream.beginAlone(message, check, (gone) => this.#gone(gone)));
    else {
      kept.begin(message, check);
      check.on(kept);
    }
    return check.outcome;
  }

  #keep(connection: UpstreamConnection): void {
    this.#check = undefined;
    this.#uses += 1;
    if (this.#closed) connection.destroy();
    else this.#kept = connection;
  }

  #gone(connection: UpstreamConnection): void {
    if (connection !== this.#kept) return;
    this.#kept = undefined;
    // A connection that ended after its first check says nothing: the upstream may keep no connection for longer.
    if (this.#uses > 1) this.#onFarewell();
  }

  close(): void {
    this.#closed = true;
    const kept = this.#kept;
    this.#kept = undefined;
    kept?.destroy();
    this.#check?.give();
  }
}

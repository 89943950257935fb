/**
 * A trickle of requests to the sample services, so that the page shows life in the first minute. It goes through the
 * balancer like any client, a user's journey with pauses, about two requests a second. It stops for good as soon as somebody
 * else sends requests, and says why, so that the page can label what it shows: its share of all requests is known.
 */
import { Agent, request } from 'node:http';
import { wait, type Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { CareReply } from '../../model/care.ts';
import type { Person } from '../../loadtest/options.ts';
import { paymentsJourney, type Step } from '../../loadtest/scenario.ts';

/** Between two requests on average; each pause is between half and one and a half of it. */
const PAUSE_MS = 500;
/** So many requests of others within a minute are real traffic; fewer may be one look with curl. */
const REAL_REQUESTS = 10;
const REAL_WINDOW_MS = 60_000;
const REQUEST_LIMIT_MS = 5_000;
const MAX_BODY_BYTES = 65_536;

export interface SampleTrafficOptions {
  /** Of the balancer. */
  readonly url: string;
  readonly person: Person;
  /** How many requests the balancer has taken since its start, these included. */
  readonly requests: () => number;
  readonly clock: Clock;
  readonly random: Random;
}

export type SampleEnd = 'real_traffic' | 'stopped';

/** What the page is told. */
export interface SampleState {
  readonly running: boolean;
  readonly ended: SampleEnd | null;
  /** Requests of the trickle, of all requests in the last minute. */
  readonly own_last_minute: number;
  readonly all_last_minute: number;
}

interface Mark {
  readonly atMs: number;
  readonly own: number;
  readonly all: number;
}

export class SampleTraffic {
  readonly #options: SampleTrafficOptions;
  readonly #abort = new AbortController();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #marks: Mark[] = [];
  #own = 0;
  #ended: SampleEnd | undefined;
  readonly #done: Promise<void>;

  constructor(options: SampleTrafficOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  state(): SampleState {
    this.#mark();
    const [first, last] = [this.#marks[0], this.#marks[this.#marks.length - 1]];
    return {
      running: this.#ended === undefined,
      ended: this.#ended ?? null,
      own_last_minute: last.own - first.own,
      all_last_minute: last.all - first.all,
    };
  }

  /** Resolves when the last request has ended. */
  async stop(why: SampleEnd = 'stopped'): Promise<void> {
    this.#ended ??= why;
    this.#abort.abort();
    await this.#done;
    this.#agent.destroy();
  }

  /** `GET /api/sample` and `POST /api/sample/stop`, which the page calls. */
  call(method: string, path: string): CareReply | undefined {
    if (path === '/api/sample' && method === 'GET') return { status: 200, body: this.state() };
    if (path !== '/api/sample/stop' || method !== 'POST') return undefined;
    void this.stop();
    return { status: 200, body: this.state() };
  }

  #mark(): void {
    const nowMs = this.#options.clock.monotonic();
    this.#marks.push({ atMs: nowMs, own: this.#own, all: this.#options.requests() });
    // The oldest mark that is kept is the last one before the window, so that the window is whole.
    while (this.#marks.length > 2 && this.#marks[1].atMs <= nowMs - REAL_WINDOW_MS) this.#marks.shift();
  }

  #isReal(): boolean {
    const { all_last_minute: all, own_last_minute: own } = this.state();
    return all - own >= REAL_REQUESTS;
  }

  async #run(): Promise<void> {
    const { person, random, clock } = this.#options;
    const journey = paymentsJourney(person, random, { active: new Set(), run: 'sample' });
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await wait(clock, PAUSE_MS * (0.5 + random()), signal).catch(() => {});
      if (this.#isReal()) this.#ended ??= 'real_traffic';
      if (signal.aborted || this.#ended !== undefined) break;
      const step = journey.next();
      this.#own += 1;
      const { status, body } = await this.#send(step);
      journey.took(step, status, body);
    }
  }

  /** Status 0 without an answer: the services may still be starting. */
  #send({ method, target, headers, body }: Step): Promise<{ status: number; body: string }> {
    const { url } = this.#options;
    return new Promise((resolve) => {
      const sent = request(
        new URL(target, url),
        {
          method,
          agent: this.#agent,
          timeout: REQUEST_LIMIT_MS,
          signal: this.#abort.signal,
          headers: { ...headers, 'User-Agent': 'vitrine-sample' },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            if (text.length < MAX_BODY_BYTES) text += part;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
          response.on('error', () => resolve({ status: 0, body: '' }));
        },
      );
      sent.on('timeout', () => sent.destroy(new Error('timeout')));
      sent.on('error', () => resolve({ status: 0, body: '' }));
      sent.end(body);
    });
  }
}

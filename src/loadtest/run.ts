/**
 * Runs a load test. Closed loop: each user waits for the answer before the next request. Open loop: requests are due at a
 * fixed rate, independent of earlier ones, and wait for a free user. Time, requests, users and waiting requests are bounded;
 * the signal ends the test early, with the results so far.
 */
import type { Clock } from '../base/clock.ts';
import { systemClock, wait } from '../base/clock.ts';
import { BoundedQueue } from '../base/bounded.ts';
import { VitrineError } from '../base/errors.ts';
import { randomHex, seededRandom, systemRandom } from '../base/random.ts';
import type { Origin } from './connection.ts';
import { Connection } from './connection.ts';
import type { LoadOptions, People } from './options.ts';
import type { LoadResult } from './result.ts';
import { Recorder } from './result.ts';
import type { Company } from './scenario.ts';
import { getJourney, paymentsJourney } from './scenario.ts';
import { VirtualUser } from './virtual-user.ts';

export interface LoadControl {
  /** The users of the payments scenario. */
  readonly people?: People | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called each second with the number of answered requests. */
  readonly onSecond?: ((requests: number) => void) | undefined;
  readonly clock?: Clock | undefined;
}

const SWEEP_MS = 50;
/** How often an open loop sends the requests that are due. */
const PACE_MS = 1;
/** Open loop: the limit of due and unsent requests; more are dropped and counted. */
const MAX_DUE = 100_000;
/** Pause after a failed connection. */
const RETRY_MS = 100;

interface Run {
  readonly options: LoadOptions;
  readonly users: readonly VirtualUser[];
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly startMs: number;
  /** Aborted when the time is over, all requests were sent, or the caller stops the test. */
  readonly signal: AbortSignal;
  /** Requests started. */
  begun: number;
  /** Equal to `signal.aborted`, which is expensive to read for every request. */
  over: boolean;
}

/** Failures of the server never reject it. Throws VitrineError `usage` when the payments scenario has no users. */
export async function runLoad(options: LoadOptions, control: LoadControl = {}): Promise<LoadResult> {
  const clock = control.clock ?? systemClock;
  const stop = new AbortController();
  const outer = control.signal ?? new AbortController().signal;
  const signal = AbortSignal.any([stop.signal, outer]);
  const recorder = new Recorder();
  const startedAtMs = clock.now();
  const startMs = clock.monotonic();
  const users = makeUsers(options, control.people, recorder, clock, startMs);
  const run: Run = { options, users, recorder, clock, startMs, signal, begun: 0, over: signal.aborted };

  const endTicks = ticking(run, control.onSecond);
  const sweep = setInterval(() => {
    for (const { connection } of users) connection.expire(clock.monotonic());
  }, SWEEP_MS);
  const cancelEnd = clock.after(options.durationMs, () => stop.abort());
  signal.addEventListener('abort', () => {
    run.over = true;
  });
  const closeAll = (): void => {
    for (const { connection } of users) connection.close();
  };
  // When the time is over, answers to sent requests are still awaited and counted, so the server counts the same number.
  outer.addEventListener('abort', closeAll);
  try {
    if (!signal.aborted) await (options.rate === undefined ? closedLoop(run) : openLoop(run, options.rate));
  } finally {
    stop.abort();
    closeAll();
    cancelEnd();
    clearInterval(sweep);
    endTicks();
  }
  return recorder.result(options, startedAtMs, clock.monotonic() - startMs, outer.aborted);
}

function makeUsers(
  options: LoadOptions,
  people: People | undefined,
  recorder: Recorder,
  clock: Clock,
  startMs: number,
): VirtualUser[] {
  const url = new URL(options.url);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const origin: Origin = { secure, host, port: Number(url.port || (secure ? 443 : 80)) };
  const target = url.pathname + url.search;
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const company: Company = {
    active: new Set(people === undefined ? [] : Array.from({ length: options.users }, (_, i) => people(i).account)),
    run: randomHex(4),
  };
  return Array.from({ length: options.users }, (_, index) => {
    const random = seededRandom(options.seed + index * 7919);
    const { timeoutMs } = options;
    const connection = new Connection(origin, buffer);
    // Two runs with one seed must not share trace ids.
    const common = { connection, recorder, clock, random: systemRandom, host: url.host, timeoutMs, startMs };
    if (options.scenario === 'get') return new VirtualUser({ journey: getJourney(target), ...common });
    if (people === undefined) throw new VitrineError('usage', 'The payments scenario needs users.');
    return new VirtualUser({ journey: paymentsJourney(people(index), random, company), ...common });
  });
}

/** Whether one more request may be sent; counts it. */
function begin(run: Run): boolean {
  if (run.over || run.begun >= run.options.maxRequests) return false;
  run.begun += 1;
  return true;
}

async function closedLoop(run: Run): Promise<void> {
  const { options, users, clock, signal } = run;
  const think = seededRandom(options.seed);
  await Promise.all(
    users.map(async (user, index) => {
      if (!(await pause(clock, (options.rampMs * index) / users.length, signal))) return;
      while (begin(run)) {
        const connected = await user.act(clock.monotonic());
        // Pauses of people are modelled as exponential.
        const pauseMs = options.thinkMs > 0 ? -Math.log(1 - think()) * options.thinkMs : 0;
        const waitMs = connected ? pauseMs : RETRY_MS;
        if (waitMs > 0 && !(await pause(clock, waitMs, signal))) return;
      }
    }),
  );
}

async function openLoop(run: Run, rate: number): Promise<void> {
  const { options, users, recorder, clock, startMs, signal } = run;
  const idle = [...users];
  const due = new BoundedQueue<number>(MAX_DUE);
  const busy = new Set<Promise<void>>();
  const work = async (user: VirtualUser): Promise<void> => {
    for (let dueMs = due.shift(); dueMs !== undefined && begin(run); dueMs = due.shift()) {
      if (!(await user.act(dueMs))) await pause(clock, RETRY_MS, signal);
    }
    idle.push(user);
  };
  let arrived = 0;
  while (!signal.aborted && run.begun < options.maxRequests) {
    const should = arrivalsUntil(clock.monotonic() - startMs, rate, options.rampMs);
    for (; arrived < should; arrived += 1) {
      const before = due.dropped;
      due.push(startMs + arrivalTimeMs(arrived, rate, options.rampMs));
      if (due.dropped > before) recorder.notSent();
    }
    while (due.size > 0 && idle.length > 0) {
      const working = work(idle.pop() as VirtualUser);
      busy.add(working);
      void working.finally(() => busy.delete(working));
    }
    if (!(await pause(clock, PACE_MS, signal))) break;
  }
  for (let left = due.shift(); left !== undefined; left = due.shift()) recorder.notSent();
  await Promise.all(busy);
}

/** How many requests are due by `elapsedMs`: during the ramp the rate rises linearly, so their number quadratically. */
export function arrivalsUntil(elapsedMs: number, rate: number, rampMs: number): number {
  const perMs = rate / 1000;
  if (elapsedMs < rampMs) return Math.floor((perMs * elapsedMs * elapsedMs) / (2 * rampMs));
  return Math.floor(perMs * (elapsedMs - rampMs / 2));
}

/** When request number `index` (from 0) is due: the inverse of `arrivalsUntil`. */
export function arrivalTimeMs(index: number, rate: number, rampMs: number): number {
  const perMs = rate / 1000;
  const inRamp = (perMs * rampMs) / 2;
  if (index + 1 <= inRamp) return Math.sqrt((2 * rampMs * (index + 1)) / perMs);
  return (index + 1) / perMs + rampMs / 2;
}

/** False when the test is over. */
async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms <= 0 || signal.aborted) return !signal.aborted;
  try {
    await wait(clock, ms, signal);
    return true;
  } catch {
    // It throws only at the end of the test, which is no failure.
    return false;
  }
}

/** Completes one row of the series each second, and the last, partial one when it is stopped. */
function ticking(run: Run, onSecond: LoadControl['onSecond']): () => void {
  const { options, recorder, clock, startMs } = run;
  const full = options.rate ?? options.users;
  let seconds = 0;
  const tick = (): void => {
    const share = options.rampMs > 0 ? Math.min(1, (clock.monotonic() - startMs) / options.rampMs) : 1;
    recorder.tick(options.rate === undefined ? Math.ceil(full * share) : full * share);
    onSecond?.(recorder.requests);
  };
  let cancel = (): void => {};
  const schedule = (): void => {
    seconds += 1;
    cancel = clock.after(startMs + seconds * 1000 - clock.monotonic(), () => {
      tick();
      schedule();
    });
  };
  schedule();
  return () => {
    cancel();
    // Timers are late: the few milliseconds after a full second do not get a row.
    if (clock.monotonic() - startMs - (seconds - 1) * 1000 > 100) tick();
  };
}

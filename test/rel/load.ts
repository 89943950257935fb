/** Sends requests at a steady rate, whatever the results of earlier ones (open loop), and records the result of each. */
import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as time } from 'node:timers/promises';

export interface Asked {
  readonly method: string;
  readonly id: string;
  /** Seconds from the start of the load until the request was due. */
  readonly atSeconds: number;
  /** 0 when there was no answer. */
  readonly status: number;
  /** Why there was no answer. */
  readonly error: string;
  readonly ms: number;
  /** Name of the upstream that answered. */
  readonly origin: string;
  /** Time that the balancer spent on the cache, as its answer says; 0 without one. */
  readonly cacheMs: number;
}

export interface LoadOptions {
  readonly rate: number;
  readonly seconds: number;
  readonly method?: (at: number) => string;
  readonly path?: (at: number) => string;
  /** Every `fresh`th request uses a new connection. */
  readonly fresh?: number;
  /** Ends the load before `seconds` are over. */
  readonly over?: () => boolean;
}

export async function load(url: string, options: LoadOptions): Promise<Asked[]> {
  const { rate, seconds, method = () => 'GET', path = () => '/', fresh = 0, over = () => false } = options;
  const agent = new Agent({ keepAlive: true });
  const all: Promise<Asked>[] = [];
  const began = performance.now();
  const ask = (at: number): Promise<Asked> =>
    new Promise((resolve) => {
      const [id, startMs] = [`${at}-${Math.round(began)}`, performance.now()];
      const verb = method(at);
      const done = (status: number, origin = '', timing = '', error = ''): void => {
        const cacheMs = Number(/cache[^,]*;dur=([\d.]+)/.exec(timing)?.[1] ?? 0);
        const ms = performance.now() - startMs;
        resolve({ method: verb, id, atSeconds: at / rate, status, error, ms, origin, cacheMs });
      };
      const failed = (error: NodeJS.ErrnoException): void => done(0, '', '', error.code ?? error.message);
      const own = fresh > 0 && at % fresh === 0 ? false : agent;
      const request = httpRequest(
        `${url}${path(at)}`,
        { method: verb, agent: own, headers: { 'x-id': id } },
        (answer) => {
          answer.resume();
          const field = (name: string): string => String(answer.headers[name] ?? '');
          answer.on('end', () => done(answer.statusCode ?? 0, field('x-origin'), field('server-timing')));
          answer.on('error', failed);
        },
      );
      request.setTimeout(30_000, () => request.destroy(new Error('30 s')));
      request.on('error', failed);
      request.end(verb === 'POST' ? 'body' : undefined);
    });
  while (performance.now() - began < seconds * 1_000 && !over()) {
    const due = ((performance.now() - began) / 1_000) * rate;
    while (all.length < due) all.push(ask(all.length));
    await time(2);
  }
  const asked = await Promise.all(all);
  agent.destroy();
  return asked;
}

/** Requests answered 200 each second while `workers` ask one after the other without a pause (closed loop). */
export async function goodput(url: string, workers: number, seconds: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  const endMs = performance.now() + seconds * 1_000;
  let good = 0;
  const ask = (): Promise<number> =>
    new Promise((resolve) => {
      const request = httpRequest(url, { agent }, (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0)).on('error', () => resolve(0));
      });
      request.on('error', () => resolve(0)).end();
    });
  const work = async (): Promise<void> => {
    while (performance.now() < endMs) if ((await ask()) === 200) good += 1;
  };
  await Promise.all(Array.from({ length: workers }, work));
  agent.destroy();
  return good / seconds;
}

export const failed = (asked: readonly Asked[]): number => asked.filter(({ status }) => status !== 200).length;

/** The statuses of those that failed, or why there was no answer, such as `502×3 ECONNRESET×1`. */
export const failures = (asked: readonly Asked[]): string =>
  [...Map.groupBy(asked, ({ status, error }) => (status === 0 ? error : String(status)))]
    .filter(([what]) => what !== '200')
    .map(([what, all]) => `${what}×${all.length}`)
    .join(' ');

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;
}

export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** Runs `turn` every `everyMs` until `over` settles. */
export async function meanwhile<T>(over: Promise<T>, everyMs: number, turn: (at: number) => Promise<void>): Promise<T> {
  const state = { over: false };
  void over.finally(() => (state.over = true));
  for (let at = 0; !state.over; at += 1) {
    await time(everyMs);
    if (!state.over) await turn(at);
  }
  return over;
}

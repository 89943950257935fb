/**
 * A monitor under mutated requests to every endpoint, for three minutes (an hour with VITRINE_NIGHTLY=1, or
 * VITRINE_FUZZ_SECONDS): no answer 5xx but
 * 503 with Retry-After, no turn of its event loop that takes 100 ms of processor time, and memory within its bound; in the
 * nightly form, too, /livez no more than 100 ms later than an idle server beside it (which shows what the machine is busy with
 * otherwise), and memory that does not grow. Seeds are kept in test/fixtures/fuzz; a run prints its
 * seed (VITRINE_FUZZ_SEED repeats it) and every request that was answered wrongly, to be added there.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freshDir, startServer } from '../../support/program.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { quantile } from '../../support/quantile.ts';
import { remoteWrite } from '../../support/telemetry/remote-write.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
const SECONDS = Number(process.env['VITRINE_FUZZ_SECONDS'] ?? (NIGHTLY ? 3_600 : 180));
const SEED = Number(process.env['VITRINE_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const SENDERS = 4;
const GROWTH_MB = 96;
/** Of processor time: a turn that others wait for. */
const MAX_TURN_MS = 100;
/** Samples of queries on both threads, the head, two heaps. */
const MAX_MB = 800;

const lines = (name: string): string[] =>
  readFileSync(path.join(import.meta.dirname, '../../fixtures/fuzz', `${name}.txt`), 'utf8')
    .trimEnd()
    .split('\n');
const [QUERIES, PATHS, BODIES] = [lines('queries'), lines('paths'), lines('bodies')];
const PIECES = [
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '"',
  ',',
  '\\',
  '=~',
  '{1000}',
  '.*',
  ':',
  '@',
  '-',
  '9'.repeat(40),
  '\u0000',
  'ü',
  '\u2028',
  ' by ()',
  '*',
];

/** mulberry32: the same numbers for the same seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Mutator {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = chance(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A seed as it is, or with a few parts cut, doubled, put in or exchanged with another's. */
  mutated(list: readonly string[]): string {
    let text = this.of(list);
    for (let rounds = this.below(5); rounds > 0; rounds -= 1) {
      const at = this.below(text.length + 1);
      const end = at + this.below(12);
      const part = this.of([this.of(PIECES), text.slice(at, end).repeat(3), '', this.of(list).slice(at, end + 20)]);
      text = text.slice(0, at) + part + text.slice(end);
    }
    return text.slice(0, 20_000);
  }
}

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed());

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

function requestOf(random: Mutator, main: string, otlp: string): Asked {
  if (random.below(4) === 0) {
    const [target, type, ...rest] = random.mutated(BODIES).split(' ');
    const body = rest.join(' ').replaceAll('\\n', '\n');
    const base = random.below(2) === 0 && target.startsWith('/v1/') ? otlp : main;
    const headers = { 'content-type': /^[\w/.+-]+$/.test(type ?? '') ? type : 'text/plain' };
    return { url: base + (/^\/[\w/]+$/.test(target) ? target : '/v1/logs'), init: { method: 'POST', headers, body } };
  }
  const now = Date.now() / 1_000;
  const query = encoded(random.mutated(QUERIES));
  const target = random
    .of(PATHS)
    .replace('Q', query)
    .replace('S', String(now - random.below(100_000)))
    .replace('T', String(now));
  const [file, search = ''] = target.split('?');
  const asForm = random.below(3) === 0 && file.startsWith('/api/v1/query');
  if (!asForm) return { url: `${main}${target}`, init: {} };
  return { url: main + file, init: { method: 'POST', body: new URLSearchParams(search) } };
}

async function wrongAnswer({ url, init }: Asked): Promise<string | undefined> {
  const shown = `${init.method ?? 'GET'} ${url.slice(0, 2_000)}`;
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(150_000) });
    await response.arrayBuffer();
    const passes =
      response.status < 500 ||
      (response.status === 503 && response.headers.has('retry-after')) ||
      response.status === 501;
    return passes ? undefined : `${response.status} ${shown}`;
  } catch (error) {
    return `${String(error)} ${shown}`;
  }
}

async function tookMs(url: string): Promise<number> {
  const before = performance.now();
  await (await fetch(url)).arrayBuffer();
  return performance.now() - before;
}

it(`stands ${SECONDS} s of fuzzing (seed ${SEED})`, { timeout: (SECONDS + 240) * 1_000, retry: 0 }, async () => {
  const turns = path.join(freshDir('turns'), 'most');
  const env = {
    TURN_WATCH: turns,
    NODE_OPTIONS: `--import ${path.join(import.meta.dirname, '../../support/programs/turn-watch.mjs')}`,
  };
  await using monitor = await startMonitorProcess({ built: true, env });
  const idleUrl = `http://127.0.0.1:${await freePort()}/`;
  const code = `require('node:http').createServer((_, answer) => answer.end()).listen(${new URL(idleUrl).port}, '127.0.0.1')`;
  await using _idle = await startServer(process.execPath, ['-e', code], { readyUrl: idleUrl });
  const now = Date.now();
  for (const name of ['up', 'http_requests_total', 'latency_seconds_bucket']) {
    const series = Array.from({ length: 300 }, (_, i) => ({
      labels: {
        __name__: name,
        job: `job-${i % 7}`,
        instance: `i-${i}`,
        le: ['0.1', '1', '+Inf'][i % 3],
        code: String(200 + i),
      },
      samples: Array.from({ length: 60 }, (_, k) => ({ t: now - (60 - k) * 5_000, v: k * i })),
    }));
    await remoteWrite(monitor.url, series);
  }
  writeFileSync(turns, '0');
  const wrong: string[] = [];
  const late: number[] = [];
  const idleLate: number[] = [];
  const ends = performance.now() + SECONDS * 1_000;
  const running = (): boolean => performance.now() < ends;
  let asked = 0;
  let halfwayBytes = 0;
  const send = async (seed: number): Promise<void> => {
    const random = new Mutator(seed);
    while (running()) {
      const answer = await wrongAnswer(requestOf(random, monitor.url, monitor.otlpHttp));
      asked += 1;
      if (answer !== undefined) wrong.push(answer);
    }
  };
  const watch = async (): Promise<void> => {
    while (running()) {
      late.push(await tookMs(`${monitor.url}/livez`));
      idleLate.push(await tookMs(idleUrl));
      if (halfwayBytes === 0 && ends - performance.now() < SECONDS * 500) halfwayBytes = monitor.rssBytes();
      await time(50);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: SENDERS }, (_, i) => send(SEED + i))]);
  const [p99, idleP99] = [late, idleLate].map((values) => quantile(values, 0.99));
  const grown = (monitor.rssBytes() - halfwayBytes) / 2 ** 20;
  console.log(
    `fuzz-monitor: seed ${SEED}, ${asked} requests, /livez p99 ${p99.toFixed(1)} ms (idle server ${idleP99.toFixed(1)} ms), memory ${grown.toFixed(0)} MB over the second half`,
  );
  const turnMs = Number(readFileSync(turns, 'utf8'));
  console.log(`fuzz-monitor: the longest turn took ${turnMs} ms of processor time`);
  rmSync(path.dirname(turns), { recursive: true });
  expect(wrong.slice(0, 20)).toEqual([]);
  // More than nothing: the watch was there.
  expect(turnMs).toBeGreaterThan(0);
  expect(turnMs).toBeLessThan(MAX_TURN_MS);
  expect(asked).toBeGreaterThan(SECONDS);
  expect(monitor.rssBytes() / 2 ** 20).toBeLessThan(MAX_MB);
  // The nightly form has the machine to itself, and is long enough for memory to settle.
  if (NIGHTLY) {
    expect(p99 - idleP99).toBeLessThan(100);
    expect(grown).toBeLessThan(GROWTH_MB);
  }
});

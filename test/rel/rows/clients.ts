/** Rows A16 to A22 and B3: clients that are slow, do not read, are too many, stay connected, or all come at once. */
import { connect, type Socket } from 'node:net';
import { setTimeout as time } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { raw } from '../../stack/balancer/rig.ts';
import { until } from '../../support/until.ts';
import { failed, goodput, load, quantile, round } from '../load.ts';
import type { Row } from '../row.ts';
import { stage } from '../stage.ts';

const MEBIBYTE = 1024 * 1024;

interface Client {
  readonly socket: Socket;
  text: string;
  closedMs: number | undefined;
}

/** Connections that send `first`; with `reading` false, they do not read the answer. */
async function clients(port: number, count: number, first: string, reading = true): Promise<Client[]> {
  const all: Client[] = [];
  for (let at = 0; at < count; at += 1) {
    const socket = connect(port, '127.0.0.1');
    const client: Client = { socket, text: '', closedMs: undefined };
    socket.on('error', () => {}).on('close', () => (client.closedMs = performance.now()));
    if (reading) socket.on('data', (bytes: Buffer) => (client.text += bytes.toString('latin1').slice(0, 400)));
    else socket.pause();
    await new Promise<void>((resolve) => socket.once('connect', () => socket.write(first, () => resolve())));
    all.push(client);
  }
  return all;
}

const close = (all: readonly Client[]): void => all.forEach(({ socket }) => socket.destroy());

/**
 * Sends one byte per `everyMs` on each open connection, until all are closed or the time is over. Normal requests are sent
 * at the same time; returns their results.
 */
async function dripped(
  url: string,
  all: readonly Client[],
  everyMs: number,
  limitSeconds: number,
): Promise<{ p99: number; failed: number; slowestMs: number }> {
  const began = performance.now();
  const beside = load(url, { rate: 50, seconds: Math.min(10, limitSeconds) });
  while (all.some(({ closedMs }) => closedMs === undefined) && performance.now() - began < limitSeconds * 1_000) {
    for (const { socket, closedMs } of all) if (closedMs === undefined && socket.writable) socket.write('a');
    await time(everyMs);
  }
  const asked = await beside;
  const slowestMs = Math.max(...all.map(({ closedMs = Infinity }) => closedMs - began));
  return {
    p99: round(
      quantile(
        asked.map(({ ms }) => ms),
        0.99,
      ),
    ),
    failed: failed(asked),
    slowestMs,
  };
}

const with408 = (all: readonly Client[]): number => all.filter(({ text }) => text.startsWith('HTTP/1.1 408')).length;

const slowHeads: Row = {
  id: 'A16',
  name: 'slow-heads',
  goal: '1,000 slow heads: 408 and close within 10 s, 0 failed beside them',
  async run() {
    await using it = await stage(1);
    const all = await clients(it.port, 1_000, 'GET / HTTP/1.1\r\nHost: a\r\nX: ');
    const { slowestMs, ...beside } = await dripped(it.url, all, 1_000, 20);
    const answered = with408(all);
    close(all);
    return {
      figure: { answered408: answered, slowestSeconds: round(slowestMs / 1_000), ...beside },
      pass: answered === 1_000 && slowestMs <= 10_000 && beside.failed === 0,
    };
  },
};

const slowBodies: Row = {
  id: 'A17',
  name: 'slow-bodies',
  goal: '500 bodies below 240 B/s: 408 within 30 s, 0 failed beside them',
  async run() {
    await using it = await stage(1);
    const all = await clients(it.port, 500, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');
    const { slowestMs, ...beside } = await dripped(it.url, all, 500, 35);
    const answered = with408(all);
    close(all);
    return {
      figure: { answered408: answered, slowestSeconds: round(slowestMs / 1_000), ...beside },
      pass: answered === 500 && slowestMs <= 30_000 && beside.failed === 0,
    };
  },
};

/** Measures the memory that 200 clients cost when they ask for 10 MB and read nothing of the answer. */
async function notReading(cached: boolean): Promise<{ grownMb: number; requestsAtOrigin: number }> {
  const cache = { cache: { responses: { enabled: cached, max_size: '64MiB', max_entry: '16MiB' } } };
  await using it = await stage(1, {}, cached ? cache : { cache: { responses: { enabled: false } } });
  await load(it.url, { rate: 50, seconds: 2, path: () => '/' });
  if (cached) await load(it.url, { rate: 2, seconds: 2, path: () => '/big' });
  const before = it.balancer.rssBytes();
  const asked = await it.origins[0].requests();
  const all = await clients(it.port, 200, 'GET /big HTTP/1.1\r\nHost: a\r\n\r\n', false);
  let most = 0;
  for (let at = 0; at < 40; at += 1) {
    await time(100);
    most = Math.max(most, it.balancer.rssBytes());
  }
  const requestsAtOrigin = (await it.origins[0].requests()) - asked;
  close(all);
  return { grownMb: round((most - before) / MEBIBYTE), requestsAtOrigin };
}

const slowReaders: Row = {
  id: 'A18',
  name: 'slow-readers',
  goal: '200 clients that read nothing of 10 MB: 64 MB more at most, streamed and from the cache',
  async run() {
    const streamed = await notReading(false);
    const kept = await notReading(true);
    return {
      figure: { streamedMb: streamed.grownMb, keptMb: kept.grownMb, atOriginWhenKept: kept.requestsAtOrigin },
      pass: streamed.grownMb <= 64 && kept.grownMb <= 64,
    };
  },
};

const overload: Row = {
  id: 'A20',
  name: 'overload',
  goal: 'at twice the capacity for 30 s: goodput 90 % of the capacity (measured before and after by clients that wait), refusals in 20 ms (median), normal 2 s later',
  async run() {
    // One request at a time with 10 ms of CPU: at most 100 a second.
    await using it = await stage(1, { queue: { max_inflight: 2 } });
    it.origins[0].set({ workMs: 10 });
    // As many as are at the upstream, and as many that wait: it is never without work, and nothing is refused.
    const before = await goodput(it.url, 4, 6);
    const asked = await load(it.url, { rate: 2 * before, seconds: 30 });
    const good = asked.filter(({ status }) => status === 200).length / 30;
    const shed = asked.filter(({ status, atSeconds }) => status === 503 && atSeconds > 2).map(({ ms }) => ms);
    await time(2_000);
    const after = await load(it.url, { rate: before / 2, seconds: 3 });
    // The machine may have become slower or faster meanwhile.
    const capacity = (before + (await goodput(it.url, 4, 6))) / 2;
    const [p50, p99] = [quantile(shed, 0.5), quantile(shed, 0.99)];
    return {
      figure: {
        capacity: round(capacity),
        goodput: round(good),
        share: round(good / capacity, 3),
        shed: shed.length,
        shedP50Ms: round(p50),
        shedP99Ms: round(p99),
        servedP50Ms: round(
          quantile(
            asked.filter(({ status }) => status === 200).map(({ ms }) => ms),
            0.5,
          ),
        ),
        failedAfter: failed(after),
      },
      pass: good >= capacity * 0.9 && p50 <= 20 && failed(after) === 0,
    };
  },
};

const idle: Row = {
  id: 'A21',
  name: 'idle-conns',
  goal: '10,000 kept connections idle for a minute: 0 failed of 200 a second beside them, 400 MB at most',
  async run() {
    // Longer than the minute and the time in which they are opened.
    await using it = await stage(1, { timeouts: { client_keep_alive: '5m' } });
    // A connection without a first request is a slow head, and closed as one.
    const all = await clients(it.port, 10_000, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const asked = await load(it.url, { rate: 200, seconds: 60 });
    const rssMb = round(it.balancer.rssBytes() / MEBIBYTE);
    const open = all.filter(({ closedMs }) => closedMs === undefined).length;
    close(all);
    return {
      figure: { open, requests: asked.length, failed: failed(asked), rssMb },
      pass: open === 10_000 && failed(asked) === 0 && rssMb <= 400,
    };
  },
};

const storm: Row = {
  id: 'A25',
  name: 'cancelled-storm',
  goal: '700 slow requests are cancelled: 20 quick ones are served at once',
  async run() {
    await using it = await stage(1);
    it.origins[0].set({ addMs: 4_500 });
    const all = await clients(it.port, 700, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await time(500);
    close(all);
    it.origins[0].set({ addMs: 0 });
    await time(300);
    const quick = await load(it.url, { rate: 20, seconds: 1, path: (at) => `/quick${at}` });
    return {
      figure: { quick: quick.length, failed: failed(quick), slowestMs: round(Math.max(...quick.map(({ ms }) => ms))) },
      pass: failed(quick) === 0,
    };
  },
};

const tunnels: Row = {
  id: 'A22',
  name: 'ws-tunnel',
  goal: '1,000 tunnels echo without an error; on SIGTERM all get close 1001 or 1012 within 5 s',
  async run() {
    await using it = await stage(1);
    const codes: number[] = [];
    let echoed = 0;
    const all: WebSocket[] = [];
    for (let at = 0; at < 1_000; at += 1) {
      const socket = new WebSocket(`ws://127.0.0.1:${it.port}/ws`);
      all.push(socket);
      socket.on('error', () => {});
      socket.on('message', (data) => (echoed += Buffer.isBuffer(data) && data.toString() === `hello ${at}` ? 1 : 0));
      socket.on('close', (code) => codes.push(code));
      await new Promise<void>((resolve) => void socket.once('open', () => resolve()).once('close', () => resolve()));
      socket.send(`hello ${at}`);
    }
    await until(() => echoed === 1_000).catch(() => undefined);
    const began = performance.now();
    it.balancer.child.kill('SIGTERM');
    while (codes.length < 1_000 && performance.now() - began < 10_000) await time(20);
    const seconds = round((performance.now() - began) / 1_000);
    for (const socket of all) socket.terminate();
    const polite = codes.filter((code) => code === 1001 || code === 1012).length;
    return { figure: { echoed, polite, seconds }, pass: echoed === 1_000 && polite === 1_000 && seconds <= 5 };
  },
};

/** 200 clients ask at once for a response that is not stored yet. */
const stampede: Row = {
  id: 'B3',
  name: 'stampede',
  goal: '200 concurrent requests for one missing key: 1 at the origin; other keys are not held up',
  async run() {
    await using it = await stage(1);
    it.origins[0].set({ addMs: 500 });
    const get = 'GET /kept HTTP/1.1\r\nHost: a\r\n\r\n';
    const one = Promise.all(Array.from({ length: 200 }, () => raw(it.port, get, /ok$|\}\n$/)));
    const others = load(it.url, { rate: 50, seconds: 0.4, path: (at) => `/kept/${at}` });
    const [same, other] = await Promise.all([one, others]);
    const atOrigin = (await it.origins[0].requests()) - other.length;
    const bad = same.filter(({ status }) => status !== 200).length + failed(other);
    const othersP99Ms = round(
      quantile(
        other.map(({ ms }) => ms),
        0.99,
      ),
    );
    return {
      figure: { clients: same.length, atOrigin, failed: bad, othersP99Ms },
      pass: atOrigin === 1 && bad === 0 && same.length === 200,
    };
  },
};

export const CLIENT_ROWS: readonly Row[] = [
  slowHeads,
  slowBodies,
  slowReaders,
  overload,
  idle,
  tunnels,
  storm,
  stampede,
];

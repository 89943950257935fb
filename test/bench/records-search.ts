/**
 * Searches over stored lines and counts over ledger rows, beside an indexed SQLite table of the same data in one run:
 * `node test/bench/records-search.ts [lines] [rows]`, a million of each unless told otherwise. Each search runs five times over
 * a store that was opened anew; the median is printed, in time and in time of the processor, with the share of batches that the
 * indexes ruled out, and how long calls of a small page of the same thread took meanwhile.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { RecordRun, RecordScan, RecordSignal, RecordSource } from '../../src/model/record-source.ts';
import type { LogRecord } from '../../src/model/records.ts';
import type { RequestRow } from '../../src/model/request-row.ts';
import { logAnalytics } from '../../src/monitor/insight/log-analytics.ts';
import { checkedFilter } from '../../src/monitor/search/checker.ts';
import { fieldFigures, histogram, valueCounts } from '../../src/monitor/search/counts.ts';
import { searchPage } from '../../src/monitor/search/page.ts';
import { requestCounts, requestFigures } from '../../src/monitor/search/request-figures.ts';
import { openRecordStore } from '../../src/monitor/store/records/open-record-store.ts';
import { livezProbe } from './processes/livez-probe.ts';
import { freshDir } from '../support/program.ts';
import { median } from '../support/quantile.ts';

const [LINES, ROWS] = [Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 1_000_000)];
const CHUNK = 5_000;
const TURNS = 5;
/** A search is repeated for so long, without a pause, while others are timed. */
const WATCHED_MS = 3_000;
const DAY_MS = 86_400_000;
const SERVICES = ['checkout', 'payments', 'accounts', 'catalogue', 'mail', 'search', 'gate', 'stock'];
const MESSAGES = [
  'request completed',
  'session opened for user',
  'cache miss, asking the database',
  'order placed and queued for shipping',
  'card charged by the bank',
  'retrying after a timeout of the upstream',
];
/** One line in so many has the rare word. */
const RARE = 200_000;

const random = seededRandom(11);
const hex = (digits: number): string =>
  Array.from({ length: digits / 8 }, () =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
const pick = <T>(of: readonly T[]): T => of[Math.floor(random() ** 2 * of.length)];

/** Spread over a day. */
const msOf = (at: number, count: number): number => Math.floor(START + (at / count) * DAY_MS);
const START = systemClock.now() - DAY_MS;

function lineAt(at: number): LogRecord {
  const isRare = at % RARE === Math.floor(RARE / 3);
  const isError = isRare || random() < 0.02;
  const timeUnixNano = BigInt(msOf(at, LINES)) * 1_000_000n;
  return {
    timeUnixNano,
    observedUnixNano: timeUnixNano,
    severityNumber: isError ? 17 : 9,
    severityText: '',
    body: isRare ? 'the flamingo gateway refused the card' : pick(MESSAGES),
    attributes: {
      'http.route': pick(['/pay', '/cart', '/list', '/login']),
      responseTime: Math.round(random() * 1e5) / 1_000,
      'user.id': `u${Math.floor(random() * 3_000)}`,
    },
    traceId: hex(32),
    spanId: hex(16),
    resource: { attributes: { 'service.name': isRare ? 'payments' : pick(SERVICES), 'service.version': '1.4.2' } },
    scope: { name: '', version: '' },
  };
}

function rowAt(at: number): RequestRow {
  const failed = random() < 0.02;
  const upstream = Math.round(Math.exp(random() * 5) * 1_000) / 1_000;
  return {
    startUnixNano: BigInt(msOf(at, ROWS)) * 1_000_000n,
    durationMs: Math.round((upstream + 0.2) * 1_000) / 1_000,
    service: 'vitrine-balancer',
    instance: 'host:8080',
    version: '0.1.0',
    route: pick(['/pay', '/cart', '/list', '/login', '/accounts/:id', '/orders/:id']),
    method: 'GET',
    path: `/x/${Math.floor(random() * 1_000)}`,
    status: failed ? 502 : 200,
    reason: failed ? '502' : '',
    upstream: `127.0.0.1:300${Math.floor(random() * 4)}`,
    tries: 1,
    cache: '',
    phases: { queue: 0.012, cache: undefined, connect: undefined, upstream, transfer: 0.1 },
    requestBytes: undefined,
    responseBytes: 300 + Math.floor(random() * 1_000),
    traceId: hex(32),
    code: hex(8).toUpperCase(),
    requestId: '',
    user: '',
    synthetic: false,
  };
}

/** Passes scans on, and keeps the progress of the last. */
class Watched implements RecordSource {
  readonly #source: RecordSource;
  last: RecordRun<RecordSignal>['progress'] | undefined;

  constructor(source: RecordSource) {
    this.#source = source;
  }

  scan<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S> {
    const run = this.#source.scan(scan);
    this.last = run.progress;
    return run;
  }

  services(signal: RecordSignal, fromMs: number, toMs: number): readonly string[] {
    return this.#source.services(signal, fromMs, toMs);
  }

  stats(): ReturnType<RecordSource['stats']> {
    return this.#source.stats();
  }

  missing(fromMs: number, toMs: number): ReturnType<RecordSource['missing']> {
    return this.#source.missing(fromMs, toMs);
  }
}

interface Timed {
  readonly ms: number;
  /** Of the processor: what a machine that others use says nothing about. */
  readonly cpuMs: number;
  readonly result: number;
}

const cpuNow = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function timed(work: () => number | Promise<number>): Promise<Timed> {
  const [times, cpuTimes]: [number[], number[]] = [[], []];
  let result = 0;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const [before, cpuBefore] = [performance.now(), cpuNow()];
    result = await work();
    times.push(performance.now() - before);
    cpuTimes.push(cpuNow() - cpuBefore);
  }
  return { ms: median(times), cpuMs: median(cpuTimes), result };
}

const perSecond = (count: number, ms: number): string => `${Math.round((count / ms) * 1_000)} a second`;

const dir = freshDir('vitrine-bench');
const sqlite = new DatabaseSync(path.join(dir, 'rows.sqlite'));
sqlite.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
  CREATE TABLE lines (time INTEGER, service TEXT, level INTEGER, message TEXT, route TEXT, took REAL, user TEXT, trace TEXT, span TEXT);
  CREATE INDEX lines_time ON lines (service, level, time); CREATE INDEX lines_trace ON lines (trace);
  CREATE TABLE requests (time INTEGER, duration REAL, route TEXT, status INTEGER, upstream TEXT, trace TEXT, code TEXT);
  CREATE INDEX requests_time ON requests (time); CREATE INDEX requests_code ON requests (code)`);
const addLine = sqlite.prepare('INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
const addRow = sqlite.prepare('INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)');

async function fill(): Promise<string> {
  await using store = openRecordStore({ dir: path.join(dir, 'store'), minFreeBytes: 0 });
  let traceId = '';
  const spent = { lines: 0, rows: 0, sqlite: 0 };
  for (let from = 0; from < LINES; from += CHUNK) {
    const lines = Array.from({ length: Math.min(CHUNK, LINES - from) }, (_, at) => lineAt(from + at));
    let before = performance.now();
    await store.append('logs', lines);
    spent.lines += performance.now() - before;
    before = performance.now();
    sqlite.exec('BEGIN');
    for (const { timeUnixNano, severityNumber, body, attributes, traceId: trace, spanId, resource } of lines) {
      const { 'http.route': route, responseTime, 'user.id': user } = attributes as Record<string, string | number>;
      const service = resource.attributes['service.name'] as string;
      addLine.run(
        Number(timeUnixNano / 1_000_000n),
        service,
        severityNumber,
        body as string,
        route,
        responseTime,
        user,
        trace,
        spanId,
      );
    }
    sqlite.exec('COMMIT');
    spent.sqlite += performance.now() - before;
    if (from <= LINES / 2) traceId = lines[0].traceId;
  }
  for (let from = 0; from < ROWS; from += CHUNK) {
    const rows = Array.from({ length: Math.min(CHUNK, ROWS - from) }, (_, at) => rowAt(from + at));
    const before = performance.now();
    await store.append('requests', rows);
    spent.rows += performance.now() - before;
    sqlite.exec('BEGIN');
    for (const row of rows)
      addRow.run(
        Number(row.startUnixNano / 1_000_000n),
        row.durationMs,
        row.route,
        row.status,
        row.upstream,
        row.traceId,
        row.code,
      );
    sqlite.exec('COMMIT');
  }
  await store.flush();
  console.log(
    `${LINES} lines into the store at ${perSecond(LINES, spent.lines)}, into SQLite at ${perSecond(LINES, spent.sqlite)}`,
  );
  console.log(`${ROWS} ledger rows into the store at ${perSecond(ROWS, spent.rows)}`);
  return traceId;
}

async function search(traceId: string): Promise<void> {
  await using store = openRecordStore({ dir: path.join(dir, 'store'), minFreeBytes: 0 });
  const watched = new Watched(store);
  const all = { fromMs: 0, toMs: systemClock.now() + DAY_MS };
  const page = async (text: string): Promise<number> => {
    const filter = checkedFilter(text, systemClock.now());
    const { rows } = await searchPage(watched, { signal: 'logs', filter, ...all, before: undefined }, 100, systemClock);
    return rows.length;
  };
  await using probe = await livezProbe();
  const say = (name: string, mine: Timed & { readonly waits: string }, other: Timed): void => {
    const { batches = 0, skippedBatches = 0 } = watched.last ?? {};
    const share = batches + skippedBatches === 0 ? 0 : skippedBatches / (batches + skippedBatches);
    if (mine.result !== other.result) throw new Error(`${name}: ${mine.result} here, ${other.result} in SQLite`);
    const all = batches + skippedBatches;
    const skipped = `${(share * 100).toFixed(0)} % of ${all} batches skipped`;
    const times = ({ ms, cpuMs }: Timed): string => `${ms.toFixed(1)} ms (${cpuMs.toFixed(1)} ms of CPU)`;
    console.log(`${name}: ${times(mine)}, ${mine.result} found, ${skipped}; SQLite ${times(other)}`);
    console.log(`  ${mine.waits}`);
  };
  const watchedBy = async (work: () => Promise<number>): Promise<Timed & { readonly waits: string }> => {
    await probe.report();
    const endMs = performance.now() + WATCHED_MS;
    const result = await timed(work);
    // Each search is asked for by a request, which comes in a turn of its own.
    for (; performance.now() < endMs; await nextTurn()) await work();
    return { ...result, waits: await probe.report() };
  };
  const byTrace = sqlite.prepare('SELECT * FROM lines WHERE trace = ? ORDER BY time DESC LIMIT 100');
  say('an id', await watchedBy(() => page(traceId)), await timed(() => byTrace.all(traceId).length));
  const byWord = sqlite.prepare(
    `SELECT * FROM lines WHERE service = 'payments' AND level >= 17 AND message LIKE '%flamingo%' ORDER BY time DESC LIMIT 100`,
  );
  const word = 'service:payments level:>=error flamingo';
  say('a rare word, service and level', await watchedBy(() => page(word)), await timed(() => byWord.all().length));
  // What the Logs page asks for over all lines: nothing is skipped.
  const lines = { signal: 'logs', filter: checkedFilter('', systemClock.now()), ...all } as const;
  for (const [name, work] of Object.entries({
    'the fields of all lines': () => fieldFigures(watched, lines, systemClock),
    'the values of a field': () => valueCounts(watched, lines, 'http.route', 10, systemClock),
    'lines by level in steps': () => histogram(watched, { ...lines, fromMs: START }, 1_440_000, systemClock),
    'analytics of all lines': () => logAnalytics(watched, lines, 60_000, systemClock),
  })) {
    await probe.report();
    const [before, cpuBefore] = [performance.now(), cpuNow()];
    const { complete } = await work();
    const [ms, cpuMs] = [performance.now() - before, cpuNow() - cpuBefore];
    console.log(
      `${name}${complete ? '' : ' (up to its limit of time)'}: ${ms.toFixed(0)} ms (${cpuMs.toFixed(0)} of CPU)`,
    );
    console.log(`  ${await probe.report()}`);
  }
  const byFields = sqlite.prepare('SELECT route, status, count(*) FROM requests GROUP BY route, status');
  const filter = checkedFilter('', systemClock.now());
  const rows = { signal: 'requests', filter, ...all } as const;
  const fields = ['route', 'status'];
  const counts = async (): Promise<number> =>
    (await requestCounts(watched, rows, fields, undefined, systemClock)).counts.length;
  const figures = async (): Promise<number> =>
    (await requestFigures(watched, rows, fields, undefined, systemClock)).figures.length;
  say('counts by route and status', await watchedBy(counts), await timed(() => byFields.all().length));
  say('figures by route and status', await watchedBy(figures), await timed(() => byFields.all().length));
}

try {
  await search(await fill());
} finally {
  sqlite.close();
  rmSync(dir, { recursive: true, force: true });
}

/**
 * Resident memory of a monitor that begins on stored lines and spans, and answers searches over them:
 * `node test/bench/records-memory.ts [lines] [spans]`, a million and half a million unless told otherwise (`npm run build` first).
 * Prints it without records, with half of them and with all of them: what grows with the records is the difference.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '../../src/base/random.ts';
import type { LogRecord, SpanRecord } from '../../src/model/records.ts';
import { logRecordOf } from '../../src/monitor/ingest/lines/json-logs.ts';
import { openRecordStore } from '../../src/monitor/store/records/open-record-store.ts';
import { freshDir } from '../support/program.ts';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { pinoLines, ROUTES } from '../support/records/pino-lines.ts';
import { spanOf } from '../support/records/plain-records.ts';

const [LINES, SPANS] = [Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 500_000)];
const CHUNK = 10_000;
const DAY_MS = 86_400_000;
const SERVICES = 8;
const IDLE_MS = 20_000;
const LOOK_MS = 100;

const random = seededRandom(13);
const dir = freshDir('vitrine-bench');
const startMs = Date.now() - DAY_MS;

function lines(from: number): LogRecord[] {
  const firstMs = startMs + Math.floor((from / LINES) * DAY_MS);
  return pinoLines(CHUNK, firstMs).map((text, at) => {
    const record = logRecordOf(JSON.parse(text), firstMs, '');
    if (typeof record === 'string') throw new Error(record);
    return { ...record, resource: { attributes: { 'service.name': `service-${at % SERVICES}` } } };
  });
}

/** Traces of five spans, one in fifty failed. */
function spans(from: number): SpanRecord[] {
  return Array.from({ length: CHUNK }, (_, at) => {
    const number = from + at + 1;
    const trace = Math.ceil(number / 5);
    return spanOf({
      trace,
      span: number,
      parent: number % 5 === 1 ? 0 : number - 1,
      startMs: startMs + Math.floor((number / SPANS) * DAY_MS),
      durationMs: Math.exp(random() * 5),
      name: `GET ${ROUTES[number % ROUTES.length]}`,
      kind: number % 5 === 1 ? 'server' : 'internal',
      service: `service-${number % SERVICES}`,
      error: trace % 50 === 0,
      attributes: {
        'http.route': ROUTES[number % ROUTES.length],
        'db.rows': Math.floor(random() * 100),
        'user.id': `u${number % 3_000}`,
      },
    });
  });
}

async function fill(from: number, to: number): Promise<void> {
  await using store = openRecordStore({ dir: path.join(dir, 'data'), minFreeBytes: 0 });
  for (let at = from * LINES; at < to * LINES; at += CHUNK) await store.append('logs', lines(at));
  for (let at = from * SPANS; at < to * SPANS; at += CHUNK) await store.append('traces', spans(at));
  await store.flush();
}

const mib = (bytes: number): string => `${Math.round(bytes / 1024 ** 2)} MiB`;

const ASKED = [
  '/api/logs?q=request&limit=200',
  '/api/logs?q=level:error&limit=200&from=now-1d',
  '/api/logs?q=user:u42%20res.statusCode:500&limit=200&from=now-1d',
  '/api/logs/histogram?from=now-1d',
  '/api/logs/fields?from=now-1d',
  '/api/logs/patterns?from=now-1d',
  '/api/traces?q=duration:%3E100ms&limit=100&from=now-1d',
  '/api/traces?q=span.status:error&limit=100&from=now-1d',
  '/api/map?from=now-1d',
  '/api/store',
];

async function measure(share: number): Promise<void> {
  await using monitor = await startMonitorProcess({ built: true, dir, keepDir: true });
  await pause(IDLE_MS);
  const idle = monitor.rssBytes();
  let largest = idle;
  const watch = setInterval(() => (largest = Math.max(largest, monitor.rssBytes())), LOOK_MS);
  for (const asked of ASKED) {
    const answer = await fetch(monitor.url + asked);
    await answer.arrayBuffer();
    if (!answer.ok) throw new Error(`${asked}: ${answer.status}`);
  }
  clearInterval(watch);
  console.log(
    `${LINES * share} lines and ${SPANS * share} spans: ${mib(idle)} resident after ${IDLE_MS / 1_000} s, at most ${mib(largest)} during ${ASKED.length} searches`,
  );
}

try {
  await measure(0);
  await fill(0, 0.5);
  await measure(0.5);
  await fill(0.5, 1);
  await measure(1);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

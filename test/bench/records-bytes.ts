/**
 * Bytes a record on disk, filters and indexes included, and the time to make the batches, beside zstd of the same NDJSON in
 * blocks of 8,000 records and beside an indexed SQLite table of the same: `node test/bench/records-bytes.ts`. Lines are pino's
 * and pino-http's with random ids; spans are those that OpenTelemetry's own SDK makes of a real Express service.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { constants, zstdCompressSync } from 'node:zlib';
import { seededRandom } from '../../src/base/random.ts';
import type { RecordOf, RecordSignal } from '../../src/model/record-source.ts';
import type { LogRecord } from '../../src/model/records.ts';
import type { RequestRow } from '../../src/model/request-row.ts';
import { logRecordOf } from '../../src/monitor/ingest/lines/json-logs.ts';
import { encodeBatch } from '../../src/monitor/store/records/columns/batch-writer.ts';
import { SHAPES } from '../../src/monitor/store/records/columns/record-columns.ts';
import { supportCode } from '../../src/model/text/support-code.ts';
import { hex, pinoHttpLines, pinoLines, ROUTES } from '../support/records/pino-lines.ts';
import { expressSpans } from '../support/telemetry/express-spans.ts';

const BLOCK = 8_000;
const COUNT = 5 * BLOCK;
const random = seededRandom(7);
const pick = (count: number): number => Math.floor(random() ** 2 * count);
const micros = (spread: number): number => Math.round(Math.exp(random() * spread) * 1000) / 1000;

function requestRows(): RequestRow[] {
  let time = 1_790_000_000_000_000;
  return Array.from({ length: COUNT }, () => {
    time += Math.floor(random() * 4_000);
    const phases = {
      queue: 0.012,
      cache: undefined,
      connect: undefined,
      upstream: micros(5),
      transfer: micros(1) / 10,
    };
    const upstream = Math.round(phases.upstream * 1000) / 1000;
    const transfer = Math.round(phases.transfer * 1000) / 1000;
    const route = ROUTES[pick(5)];
    const failed = random() < 0.02;
    return {
      startUnixNano: BigInt(time) * 1000n,
      durationMs: Math.round((0.012 + upstream + transfer + random() * 0.05) * 1000) / 1000,
      service: 'vitrine-balancer',
      instance: 'host:8080',
      version: '0.1.0',
      route,
      method: 'GET',
      path: route.replace(':id', `acc-${pick(1000)}`),
      status: failed ? 500 : 200,
      reason: failed ? '500' : '',
      upstream: `127.0.0.1:300${pick(2)}`,
      tries: 1,
      cache: '',
      phases: { ...phases, upstream, transfer },
      requestBytes: undefined,
      responseBytes: 300 + pick(1000),
      traceId: hex(16),
      code: supportCode(hex(8)),
      requestId: '',
      user: '',
      synthetic: false,
    };
  });
}

/** The records as JSON texts: what they would be without a store for them. */
const jsonOf = (record: object): string =>
  JSON.stringify(record, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

function zstdBytes(texts: readonly string[]): number {
  let size = 0;
  for (let at = 0; at < texts.length; at += BLOCK) {
    const block = texts.slice(at, at + BLOCK).join('\n');
    size += zstdCompressSync(block, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length;
  }
  return size;
}

/** A table of rows with indexes on time, trace and id, as one would make it without columns. */
function sqliteBytes(rows: readonly { time: bigint; trace: string; id: string; text: string }[]): number {
  const dir = mkdtempSync(path.join(tmpdir(), 'records-bytes-'));
  try {
    const file = path.join(dir, 'rows.db');
    using db = new DatabaseSync(file);
    db.exec('CREATE TABLE rows (time INTEGER, trace TEXT, id TEXT, text TEXT); BEGIN');
    const insert = db.prepare('INSERT INTO rows VALUES (?, ?, ?, ?)');
    for (const { time, trace, id, text } of rows) insert.run(time, trace, id, text);
    db.exec(
      'COMMIT; CREATE INDEX a ON rows (time); CREATE INDEX b ON rows (trace); CREATE INDEX c ON rows (id); VACUUM',
    );
    return statSync(file).size;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

interface Corpus<S extends RecordSignal> {
  readonly name: string;
  readonly signal: S;
  readonly records: readonly RecordOf[S][];
  /** What a sender wrote; the records as JSON when it was not text. */
  readonly texts?: readonly string[];
  readonly rows: number;
}

function print<S extends RecordSignal>({ name, signal, records, rows, texts = records.map(jsonOf) }: Corpus<S>): void {
  let size = 0;
  let ids = 0;
  const before = process.cpuUsage();
  for (let at = 0; at < records.length; at += rows) {
    const part = records.slice(at, at + rows);
    const steps = encodeBatch({ signal, service: 'x', records: part, sequences: part.map((_, i) => at + i) });
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    size += step.value.sizeBytes;
    ids += step.value.ids.length;
  }
  const { user, system } = process.cpuUsage(before);
  const each = (value: number): string => (value / records.length).toFixed(1);
  const zstd = zstdBytes(texts);
  const table = sqliteBytes(
    records.map((record, at) => ({
      time: SHAPES[signal].timeOf(record),
      trace: record.traceId,
      id: 'spanId' in record ? record.spanId : record.code,
      text: texts[at],
    })),
  );
  const text = texts.reduce((sum, { length }) => sum + length, 0);
  console.log(
    `${name}: ${each(size)} B a record (ids ${each(ids)}), ${each(user + system)} µs of CPU to encode; ` +
      `JSON ${each(text)} B, zstd-1 ${each(zstd)} B (ratio ${(size / zstd).toFixed(2)}), SQLite with indexes ${each(table)} B`,
  );
}

const recordsOf = (texts: readonly string[]): LogRecord[] =>
  texts.map((text) => {
    const record = logRecordOf(JSON.parse(text), 1.8e12, '');
    if (typeof record === 'string') throw new Error(record);
    return record;
  });

for (const [name, texts] of [
  ['pino lines', pinoLines(COUNT, 1.79e12)],
  ['pino-http lines', pinoHttpLines(COUNT, 1.79e12)],
] as const)
  print({ name, signal: 'logs', records: recordsOf(texts), texts, rows: 8_192 });
print({ name: 'spans of Express', signal: 'traces', records: await expressSpans(10_000), rows: 8_192 });
print({ name: 'ledger rows', signal: 'requests', records: requestRows(), rows: 32_768 });

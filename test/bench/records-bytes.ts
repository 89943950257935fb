/**
 * Bytes a record on disk, filters and indexes included, and the time to make the batches, beside zstd of the same NDJSON in
 * blocks of 8,000 lines: `node test/bench/records-bytes.ts`. Lines are pino's of an HTTP service with random ids.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import { seededRandom } from '../../src/base/random.ts';
import type { RecordOf, RecordSignal } from '../../src/model/record-source.ts';
import type { RequestRow } from '../../src/model/request-row.ts';
import { logRecordOf } from '../../src/monitor/ingest/lines/json-logs.ts';
import { encodeBatch } from '../../src/monitor/store/records/columns/batch-writer.ts';
import { supportCode } from '../../src/model/text/support-code.ts';
import { hex, pinoLines, ROUTES } from '../support/records/pino-lines.ts';

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
    };
  });
}

function bytesOf<S extends RecordSignal>(signal: S, records: readonly RecordOf[S][], block: number): void {
  let size = 0;
  let ids = 0;
  const before = process.cpuUsage();
  for (let at = 0; at < records.length; at += block) {
    const part = records.slice(at, at + block);
    const steps = encodeBatch({ signal, service: 'x', records: part, sequences: part.map((_, i) => at + i) });
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    size += step.value.sizeBytes;
    ids += step.value.ids.length;
  }
  const { user, system } = process.cpuUsage(before);
  const each = (value: number): string => (value / records.length).toFixed(1);
  console.log(`${signal}: ${each(size)} B a record (ids ${each(ids)}), ${each(user + system)} µs of CPU to encode`);
}

const texts = pinoLines(COUNT, 1.79e12);
let compressed = 0;
for (let at = 0; at < texts.length; at += BLOCK) {
  const block = texts.slice(at, at + BLOCK).join('\n');
  compressed += zstdCompressSync(block, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }).length;
}
console.log(
  `NDJSON: ${(texts.join('\n').length / COUNT).toFixed(1)} B a line, zstd-1 ${(compressed / COUNT).toFixed(1)} B`,
);
const records = texts.map((text) => logRecordOf(JSON.parse(text), 1.8e12, ''));
bytesOf(
  'logs',
  records.filter((record) => typeof record !== 'string'),
  8_192,
);
bytesOf('requests', requestRows(), 32_768);

/** A full disk is a state; damage loses what is damaged and no more; age and size are kept; a backup is a whole store. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { RECORD_STORE_DEFAULTS } from '../../../../src/monitor/store/records/open-record-store.ts';
import { recordingLogger, type LogLine } from '../../../support/recording-logger.ts';
import { ManualClock, removeDirectory, temporaryDirectory } from '../store-fixture.ts';
import { found, line, NOW, openTestRecords, span } from './record-fixture.ts';

const DAY = 86_400_000;
const KIB = 1024;
/** The system's, not a package's. */
const [MOUNT, UNMOUNT] = ['mount', 'umount'];

const dirs: string[] = [];
function directory(): string {
  const dir = temporaryDirectory();
  dirs.push(dir);
  return dir;
}
afterEach(() => {
  for (const dir of dirs.splice(0)) removeDirectory(dir);
});

const filler = (size: number): string =>
  Array.from({ length: size / 8 }, (_, i) => ((i * 2654435761) >>> 0).toString(36)).join(' ');

it('refuses records while the disk is full, continues to read, and recovers by itself', async ({ skip }) => {
  const dir = temporaryDirectory();
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    removeDirectory(dir);
    skip(`no tmpfs can be mounted here: ${String(error)}`);
  }
  const clock = new ManualClock(NOW);
  const ballast = path.join(dir, 'ballast');
  writeFileSync(ballast, Buffer.alloc(4 * KIB * KIB));
  const memoryBytes = { logs: 400 * KIB, traces: 400 * KIB, requests: 400 * KIB };
  let store = openTestRecords(dir, { clock, memoryBytes });
  try {
    const refusals: unknown[] = [];
    let acknowledged = 0;
    for (let at = 0; refusals.length === 0 && at < 3_000; at += 1) {
      // A text that does not compress.
      const body = randomBytes(6_000).toString('base64');
      await store
        .append('logs', [line(NOW + at, { body })])
        .then(() => (acknowledged += 1))
        .catch((error: unknown) => refusals.push(error));
    }
    expect(refusals[0]).toMatchObject({ code: 'storage_full', headers: { 'Retry-After': '5' } });
    expect(store.writable).toBe(false);
    expect(await found(store, { signal: 'logs' })).toHaveLength(acknowledged);
    rmSync(ballast);
    clock.move(2_000);
    expect(store.writable).toBe(true);
    await store.append('logs', [line(NOW)]);
    await store.flush();
    expect(await found(store, { signal: 'logs' })).toHaveLength(acknowledged + 1);
    await store.close();
    store = openTestRecords(dir, { clock });
    expect(await found(store, { signal: 'logs' })).toHaveLength(acknowledged + 1);
  } finally {
    await store.close();
    execFileSync(UNMOUNT, ['-l', dir]);
    removeDirectory(dir);
  }
});

/** Two days of lines in batches, some in write-ahead rows. */
async function filled(dir: string): Promise<void> {
  const store = openTestRecords(dir);
  for (let batch = 0; batch < 4; batch += 1) {
    const start = NOW - (batch % 2) * DAY;
    await store.append(
      'logs',
      Array.from({ length: 100 }, (_, i) => line(start + i, { body: filler(200 + i) })),
    );
    await store.append('traces', [span(`${batch}`, start, { status: 'error' })]);
    await store.flush();
  }
  await store.append('logs', [line(NOW + 500), line(NOW + 501)]);
  await store.close();
}

it('reads the rest when a batch is damaged, and says how much is lost', async () => {
  const dir = directory();
  await filled(dir);
  const file = readdirSync(dir).find((name) => name.startsWith('logs-') && name.endsWith('.db')) ?? '';
  const db = new DatabaseSync(path.join(dir, file));
  const { id } = db.prepare('SELECT min(id) AS id FROM batch').get() as { id: number };
  // The first part of a batch has its times.
  const part = db.prepare('SELECT id, data FROM part WHERE id >= ? ORDER BY id LIMIT 1').get(id * 1024);
  const data = Uint8Array.from(part?.data as Uint8Array);
  data[data.length >> 1] ^= 85;
  db.prepare('UPDATE part SET data = ? WHERE id = ?').run(data, part?.id as number);
  db.close();
  const lines: LogLine[] = [];
  const store = openTestRecords(dir, { logger: recordingLogger(lines) });
  const run = store.scan({ signal: 'logs', fromMs: -Infinity, toMs: Infinity });
  let count = 0;
  for await (const batch of run) count += batch.end - batch.begin;
  expect(count).toBe(302);
  expect(run.progress.lostRecords).toBe(100);
  expect(store.stats().logs.lostRecords).toBe(100);
  expect(lines.map(({ message }) => message)).toContain(
    'a batch of 100 records of shop is damaged; the other batches are read',
  );
  await store.close();
});

const share = fc.double({ min: 0, max: 0.9999, noNaN: true });
const damage = fc.record({
  file: fc.nat(20),
  how: fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at: fc.array(share, { minLength: 1, maxLength: 40 }) }),
    fc.record({ kind: fc.constant('fill' as const), from: share, bytes: fc.integer({ min: 1, max: 9_000 }) }),
    fc.record({ kind: fc.constant('truncate' as const), to: share }),
    fc.constant({ kind: 'remove' as const }),
  ),
});

function apply(dir: string, { file, how }: typeof damage extends fc.Arbitrary<infer T> ? T : never): void {
  const names = readdirSync(dir).filter((name) => !name.endsWith('-shm'));
  const target = path.join(dir, names.sort()[file % names.length]);
  const { size } = statSync(target);
  if (how.kind === 'remove') rmSync(target);
  else if (how.kind === 'truncate') truncateSync(target, Math.floor(size * how.to));
  else {
    const bytes = readFileSync(target);
    if (how.kind === 'flip') for (const at of how.at) bytes[Math.floor(at * size)] ^= 1 << (Math.floor(at * 1e6) % 8);
    else bytes.fill(170, Math.floor(how.from * size), Math.min(size, Math.floor(how.from * size) + how.bytes));
    writeFileSync(target, bytes);
  }
}

it('opens, answers and accepts records, whatever was damaged', async () => {
  const whole = directory();
  await filled(whole);
  const runs = process.env['VITRINE_NIGHTLY'] === '1' ? 2_000 : 25;
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (list) => {
      const dir = temporaryDirectory();
      try {
        cpSync(whole, dir, { recursive: true });
        for (const one of list) apply(dir, one);
        for (let round = 0; round < 2; round += 1) {
          let store: RecordStore;
          try {
            store = openTestRecords(dir, { clock: new ManualClock(NOW + (round + 1) * 60_000) });
          } catch (error) {
            // A flipped version number is that of a newer version, which is refused and left as it is.
            expect(error).toMatchObject({
              code: 'data_dir_unusable',
              message: expect.stringContaining('schema version') as string,
            });
            return;
          }
          await found(store, { signal: 'logs', ids: [['0'.repeat(31) + '1']] });
          await found(store, { signal: 'logs' });
          await found(store, { signal: 'traces' });
          expect(await store.append('logs', [line(NOW + 10_000 + round, { service: `new${round}` })])).toMatchObject({
            accepted: 1,
          });
          await store.flush();
          expect(await found(store, { signal: 'logs', services: [`new${round}`] })).toHaveLength(1);
          await store.retain();
          await store.close();
        }
      } finally {
        removeDirectory(dir);
      }
    }),
    { numRuns: runs, endOnFailure: true },
  );
}, 600_000);

const limits = (retentionMs: number, maxSizeBytes = Infinity, services = {}) => ({
  retentionMs,
  maxSizeBytes,
  services,
});

it('keeps records for the age of their signal and service, and late ones as long as fresh ones', async () => {
  const dir = directory();
  const clock = new ManualClock(NOW);
  const options = {
    clock,
    limits: {
      ...RECORD_STORE_DEFAULTS.limits,
      logs: limits(3 * DAY, Infinity, { audit: { retentionMs: 10 * DAY }, noisy: { retentionMs: DAY } }),
    },
  };
  const store = openTestRecords(dir, options);
  await store.append('logs', [
    line(NOW, { service: 'audit' }),
    line(NOW, { service: 'noisy' }),
    line(NOW),
    // Of 1970, 2100, and of the year 275000.
    line(1, { service: 'late' }),
    line(Date.UTC(2100, 1), { service: 'early' }),
    line(8.6e15, { service: 'absurd' }),
  ]);
  await store.flush();
  const services = async (): Promise<string[]> => {
    const names = new Set<string>();
    for await (const batch of store.scan({ signal: 'logs', fromMs: -Infinity, toMs: Infinity }))
      names.add(batch.service);
    return [...names].sort();
  };
  await store.retain();
  expect(readdirSync(dir).filter((name) => /^logs-.*\.db$/.test(name))).toHaveLength(1);
  expect(await services()).toEqual(['absurd', 'audit', 'early', 'late', 'noisy', 'shop']);
  clock.move(2 * DAY);
  await store.retain();
  expect(await services()).toEqual(['absurd', 'audit', 'early', 'late', 'shop']);
  clock.move(3 * DAY);
  await store.retain();
  expect(await services()).toContain('audit');
  expect(await services()).not.toContain('shop');
  expect(await services()).not.toContain('late');
  await store.close();
});

it('keeps ordinary traces for two days and failed and slow ones for the whole time', async () => {
  const dir = directory();
  const clock = new ManualClock(NOW);
  const store = openTestRecords(dir, { clock });
  const usual = Array.from({ length: 400 }, (_, i) => span(`a${i}`, NOW));
  await store.append('traces', usual);
  const slow = { endUnixNano: BigInt(NOW + 900) * 1_000_000n };
  await store.append('traces', [span('f', NOW, { status: 'error' }), span('c', NOW, slow)]);
  clock.move(61_000);
  // A late span follows its trace.
  await store.append('traces', [span('c', NOW, { spanId: 'd'.repeat(16), parentSpanId: 'c'.padStart(16, '0') })]);
  await store.flush();
  expect(await found(store, { signal: 'traces' })).toHaveLength(403);
  clock.move(3 * DAY);
  await store.retain();
  const kept = await found(store, { signal: 'traces' });
  expect(kept.map(({ record }) => record.traceId.replace(/^0+/, '')).sort()).toEqual(['c', 'c', 'f']);
  await store.close();
});

it('keeps within its size by signal, by service and in all, ordinary traces first', async () => {
  const dir = directory();
  const clock = new ManualClock(NOW);
  const service = { loud: { maxSizeBytes: 60 * KIB } };
  const lines: LogLine[] = [];
  const store = openTestRecords(dir, {
    clock,
    maxSizeBytes: 420 * KIB,
    logger: recordingLogger(lines),
    limits: { ...RECORD_STORE_DEFAULTS.limits, logs: limits(9 * DAY, 300 * KIB, service) },
  });
  for (let batch = 0; batch < 12; batch += 1) {
    for (const name of ['loud', 'shop']) {
      const records = Array.from({ length: 30 }, (_, i) =>
        line(NOW + batch * 1000 + i, {
          service: name,
          body: Buffer.from(filler(1_600 + i * batch)).toString('base64'),
        }),
      );
      await store.append('logs', records);
    }
    await store.append('traces', [span(`${batch}`, NOW + batch, { attributes: { text: filler(20_000 + batch) } })]);
    await store.flush();
  }
  await store.retain();
  const { logs, traces } = store.stats();
  expect(logs.diskBytes).toBeLessThan(300 * KIB);
  expect(logs.services.find((one) => one.service === 'loud')?.bytes).toBeLessThanOrEqual(60 * KIB);
  expect(traces.diskBytes + logs.diskBytes).toBeLessThan(420 * KIB);
  const newest = (await found(store, { signal: 'logs' }))[0];
  expect(newest.position.timeUnixNano).toBe(BigInt(NOW + 11_029) * 1_000_000n);
  expect(lines.some(({ message }) => message.includes('would take more than'))).toBe(true);
  await store.close();
});

it('copies itself while it is used, and the copy is a store', async () => {
  const dir = directory();
  await filled(dir);
  const store = openTestRecords(dir);
  const target = path.join(directory(), 'copy');
  mkdirSync(target);
  await store.backup(target);
  await store.append('logs', [line(NOW + 900)]);
  await store.close();
  const copy = openTestRecords(target);
  expect(await found(copy, { signal: 'logs' })).toHaveLength(402);
  await copy.close();
});

it('leaves the files of a newer version as they are', async () => {
  const dir = directory();
  await filled(dir);
  const [file] = readdirSync(dir).filter((name) => /^logs-.*\.db$/.test(name));
  const target = path.join(dir, file);
  const db = new DatabaseSync(target);
  db.exec('PRAGMA user_version = 9; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
  const before = readFileSync(target);
  const lines: LogLine[] = [];
  const store = openTestRecords(dir, { logger: recordingLogger(lines) });
  expect((await found(store, { signal: 'logs' })).length).toBe(202);
  await store.close();
  expect(readFileSync(target).equals(before)).toBe(true);
  expect(lines.some(({ message }) => message.includes('its records are not shown'))).toBe(true);
  expect(existsSync(`${target}.damaged`)).toBe(false);
});

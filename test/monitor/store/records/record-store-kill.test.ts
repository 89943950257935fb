/** Acknowledged records survive SIGKILL at any moment, once each; 4 rounds, 30 with VITRINE_NIGHTLY=1. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { RECORD_SIGNALS } from '../../../../src/model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../../../src/model/records.ts';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import { removeDirectory, temporaryDirectory } from '../store-fixture.ts';
import { found, openTestRecords } from './record-fixture.ts';
import { systemClock } from '../../../../src/base/clock.ts';

const ROUNDS = process.env['VITRINE_NIGHTLY'] === '1' ? 30 : 4;

/** Runs the writer until it acknowledged `ticks` ticks, kills it, and returns the ticks that it acknowledged. */
async function writeAndKill(dir: string, first: number, ticks: number): Promise<number[]> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'kill-writer.ts'), dir, String(first)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let trouble = '';
  child.stderr.on('data', (part: Buffer) => (trouble += part.toString()));
  child.stdout.on('data', (part: Buffer) => {
    out += part.toString();
    if (out.split('\n').length > ticks) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal, trouble).toBe('SIGKILL');
  // A last line without its end may be half a number.
  return out.slice(0, out.lastIndexOf('\n')).split('\n').map(Number);
}

const tickOf = (record: LogRecord | SpanRecord | RequestRow): number =>
  'durationMs' in record ? record.durationMs : Number(record.attributes['tick']);

it(
  'keeps acknowledged records after kill -9, each once',
  async () => {
    const dir = temporaryDirectory();
    const random = seededRandom(2026);
    const acknowledged = new Set<number>();
    let next = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const tick of await writeAndKill(dir, next, 50 + Math.floor(random() * 900))) acknowledged.add(tick);
      const store = openTestRecords(dir, { clock: systemClock });
      for (const signal of RECORD_SIGNALS) {
        const records = await found(store, { signal });
        const ticks = records.map(({ record }) => tickOf(record));
        const stored = new Set(ticks);
        expect(stored.size, `${signal}: a record is there twice`).toBe(ticks.length);
        const lost = [...acknowledged].filter((tick) => !stored.has(tick));
        expect(lost, `${signal} was lost`).toEqual([]);
        next = Math.max(next, ...ticks) + 1;
      }
      await store.close();
      for (const name of readdirSync(dir).filter((file) => file.endsWith('.db'))) {
        const db = new DatabaseSync(path.join(dir, name), { readOnly: true });
        expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
        db.close();
      }
    }
    // The kills came while records became batches, too.
    expect(readdirSync(dir).filter((name) => name.startsWith('logs-')).length).toBeGreaterThan(0);
    removeDirectory(dir);
  },
  ROUNDS * 30_000,
);

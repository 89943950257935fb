/** An acknowledged write survives SIGKILL at any moment; 5 rounds, 30 with VITRINE_NIGHTLY=1. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { all, openTestStore, removeDirectory, temporaryDirectory } from './store-fixture.ts';

const ROUNDS = process.env.VITRINE_NIGHTLY === '1' ? 30 : 5;

/** Runs the writer until it acknowledged `ticks` ticks, kills it, and returns the last tick that it acknowledged. */
async function writeAndKill(dir: string, first: number, ticks: number): Promise<number> {
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
  const lines = out.slice(0, out.lastIndexOf('\n')).split('\n').map(Number);
  return Math.max(...lines);
}

it(
  'keeps acknowledged writes after kill -9',
  async () => {
    const dir = temporaryDirectory();
    const random = seededRandom(2026);
    let next = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const acknowledged = await writeAndKill(dir, next, 1 + Math.floor(random() * 1_500));
      const store = openTestStore(dir, { headBytes: 128 * 1024 });
      const found = await store.select(all('ticks'), -Infinity, Infinity);
      await store.close();
      expect(found).toHaveLength(50);
      const stored = found[0].samples.t.length;
      // At most the batches of one turn were written but not acknowledged.
      expect(stored).toBeGreaterThanOrEqual(acknowledged + 1);
      expect(stored).toBeLessThanOrEqual(acknowledged + 3);
      for (const { labels, samples } of found) {
        expect(samples.t.length).toBe(stored);
        const wrong = samples.t.findIndex(
          (t, at) => t !== at || samples.v[at] !== at * 1_000 + Number(labels.get('i')),
        );
        expect(wrong).toBe(-1);
      }
      for (const name of readdirSync(dir).filter((name) => name.endsWith('.db'))) {
        const db = new DatabaseSync(path.join(dir, name), { readOnly: true });
        expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
        db.close();
      }
      next = stored;
    }
    expect(readdirSync(dir)).toContain('samples-1970-01-01.db');
    removeDirectory(dir);
  },
  ROUNDS * 20_000,
);

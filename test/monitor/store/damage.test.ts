/**
 * Any file of the store, damaged in any way: it opens, answers, takes writes, says in a sentence what is wrong, and does all
 * of that again after the next start.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordingLogger, type LogLine } from '../../support/recording-logger.ts';
import {
  all,
  batchOf,
  labelsOf,
  openTestStore,
  removeDirectory,
  temporaryDirectory,
  type Point,
} from './store-fixture.ts';

const DAY = 86_400_000;
const [MIN, MAX] = [-8.64e15, 8.64e15];
let whole: string;

const points = (name: string, from: number, count: number): Point[] =>
  Array.from({ length: count }, (_, i) => ({ labels: labelsOf(name, { at: `${i % 3}` }), t: from + i, v: i * 1.5 }));

/** Two days of chunks, a head with tails and write-ahead rows, and side files as a kill leaves them. */
beforeAll(async () => {
  const dir = temporaryDirectory();
  whole = temporaryDirectory();
  const store = openTestStore(dir);
  const append = (list: Point[]) => store.append(batchOf(store, list));
  await append([...points('a', 0, 900), ...points('b', 10, 600)]);
  await append(points('a', DAY, 900));
  await store.flush();
  await append([...points('a', DAY + 10_000, 300), ...points('c', DAY, 60)]);
  cpSync(dir, whole, { recursive: true });
  rmSync(path.join(whole, 'lock'), { force: true });
  await store.close();
  removeDirectory(dir);
});
afterAll(() => removeDirectory(whole));

it.each<[string, (file: string) => void]>([
  ['has lost its bytes', (file) => writeFileSync(file, '')],
  [
    'is a folder',
    (file) => {
      rmSync(file);
      mkdirSync(path.join(file, 'inside'), { recursive: true });
    },
  ],
])('says that head.db %s, and keeps the older days', async (_name, change) => {
  const dir = temporaryDirectory();
  cpSync(whole, dir, { recursive: true });
  try {
    for (let round = 0; round < 2; round += 1) {
      for (const suffix of ['-wal', '-shm']) rmSync(path.join(dir, `head.db${suffix}`), { force: true });
      change(path.join(dir, 'head.db'));
      const lines: LogLine[] = [];
      await using store = openTestStore(dir, { logger: recordingLogger(lines) });
      expect(lines.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^head\.db cannot be read and was set aside/),
      ]);
      expect((await store.select(all('b'), MIN, MAX)).length).toBe(3);
    }
  } finally {
    removeDirectory(dir);
  }
});

const damage = fc.record({
  file: fc.nat(20),
  how: fc.oneof(
    fc.record({
      kind: fc.constant('flip' as const),
      at: fc.array(fc.double({ min: 0, max: 0.9999, noNaN: true }), { minLength: 1, maxLength: 40 }),
    }),
    fc.record({
      kind: fc.constant('fill' as const),
      from: fc.double({ min: 0, max: 0.9999, noNaN: true }),
      bytes: fc.integer({ min: 1, max: 20_000 }),
      with: fc.nat(255),
    }),
    fc.record({ kind: fc.constant('truncate' as const), to: fc.double({ min: 0, max: 0.9999, noNaN: true }) }),
    fc.constant({ kind: 'empty' as const }),
    fc.constant({ kind: 'remove' as const }),
  ),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function apply(dir: string, { file, how }: Damage): string {
  const names = readdirSync(dir)
    .filter((name) => !name.endsWith('-shm'))
    .sort();
  const name = names[file % names.length];
  const target = path.join(dir, name);
  const { size } = statSync(target);
  if (how.kind === 'remove') rmSync(target);
  else if (how.kind === 'empty') writeFileSync(target, '');
  else if (how.kind === 'truncate') truncateSync(target, Math.floor(size * how.to));
  else {
    const bytes = readFileSync(target);
    if (how.kind === 'flip') for (const at of how.at) bytes[Math.floor(at * size)] ^= 1 << (Math.floor(at * 1e6) % 8);
    else bytes.fill(how.with, Math.floor(how.from * size), Math.min(size, Math.floor(how.from * size) + how.bytes));
    writeFileSync(target, bytes);
  }
  return `${name} ${how.kind}`;
}

it('opens, answers and accepts writes, whatever was damaged', async () => {
  const damages = fc.array(damage, { minLength: 1, maxLength: 3 });
  const runs = process.env['VITRINE_NIGHTLY'] === '1' ? 3_000 : 120;
  await fc.assert(
    fc.asyncProperty(damages, async (list) => {
      const dir = temporaryDirectory();
      cpSync(whole, dir, { recursive: true });
      try {
        for (const one of list) apply(dir, one);
        for (let round = 0; round < 2; round += 1) {
          const lines: LogLine[] = [];
          let store;
          try {
            store = openTestStore(dir, { logger: recordingLogger(lines) });
          } catch (error) {
            // A flipped version number is that of a newer version, which is refused and left as it is.
            expect(error).toMatchObject({
              code: 'data_dir_unusable',
              message: expect.stringContaining('schema version'),
            });
            return;
          }
          for (const name of ['a', 'b', 'c']) {
            const found = await store.select(all(name), MIN, MAX);
            for (const { samples } of found)
              for (let i = 1; i < samples.t.length; i += 1) expect(samples.t[i] > samples.t[i - 1]).toBe(true);
          }
          const result = await store.append(batchOf(store, points(`new${round}`, 3 * DAY + round * 1_000, 30)));
          expect(result.accepted).toBe(30);
          await store.flush();
          expect((await store.select(all(`new${round}`), MIN, MAX)).map(({ samples }) => samples.t.length)).toEqual([
            10, 10, 10,
          ]);
          await store.retain();
          await store.close();
          for (const { message, level } of lines) if (level === 'error') expect(message).toMatch(/\w+ \w+ \w+/);
        }
      } finally {
        removeDirectory(dir);
      }
    }),
    { numRuns: runs, endOnFailure: true },
  );
}, 600_000);

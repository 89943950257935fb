import path from 'node:path';
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MAX_RECORDINGS, RECORDING_TABLES, Recordings } from '../../../../src/monitor/store/state/recordings.ts';
import { openStateDatabase, type StateDatabase } from '../../../../src/monitor/store/state/state-database.ts';
import { freshDir } from '../../../support/program.ts';
import { recordingLogger } from '../../../support/recording-logger.ts';
import { ManualClock } from '../store-fixture.ts';

const NOW = Date.UTC(2026, 11, 1);
const MINUTE = 60_000;

const open = (dir: string): StateDatabase =>
  openStateDatabase({ dir, owners: [RECORDING_TABLES], clock: new ManualClock(NOW), logger: recordingLogger() });

it('notes each beginning of an alert once, also after a restart, and forgets the oldest above the limit', async () => {
  const dir = freshDir('recordings');
  const errors: unknown[] = [];
  const options = { beforeMs: 10 * MINUTE, afterMs: 5 * MINUTE, onError: (error: unknown) => void errors.push(error) };
  const first = open(dir);
  const recordings = new Recordings({ state: first, ...options });
  await recordings.note('aa', 'Slow', NOW + 0.5);
  await recordings.note('aa', 'Slow', NOW + 4 * MINUTE);
  await recordings.note('bb', 'Errors', NOW + MINUTE);
  await recordings.note('aa', 'Slow', NOW + 60 * MINUTE);
  await first[Symbol.asyncDispose]();

  await using second = open(dir);
  const again = new Recordings({ state: second, ...options });
  await again.note('aa', 'Slow', NOW);
  expect(again.of('aa', 5)).toEqual([
    {
      alert: 'aa',
      name: 'Slow',
      startsAtMs: NOW + 60 * MINUTE,
      fromMs: NOW + 50 * MINUTE,
      toMs: NOW + 65 * MINUTE,
      releasedAtMs: undefined,
    },
    {
      alert: 'aa',
      name: 'Slow',
      startsAtMs: NOW,
      fromMs: NOW - 10 * MINUTE,
      toMs: NOW + 5 * MINUTE,
      releasedAtMs: undefined,
    },
  ]);
  expect(again.held().map(({ alert }) => alert)).toEqual(['aa', 'bb', 'aa']);
  again.release(again.held()[0], NOW + 1);
  await second.change(() => {});
  expect(again.counts()).toEqual({ held: 2, released: 1 });
  expect(again.of('aa', 5)[1].releasedAtMs).toBe(NOW + 1);

  const many = Array.from({ length: MAX_RECORDINGS }, (_, at) => again.note(`c${at}`, 'Many', NOW + at * MINUTE));
  await Promise.all(many);
  expect(again.counts()).toEqual({ held: MAX_RECORDINGS, released: 0 });
  expect(errors).toEqual([]);
  rmSync(path.join(dir), { recursive: true });
});

it('says when the disk refuses a recording, and goes on', async () => {
  const dir = freshDir('recordings-refused');
  const errors: unknown[] = [];
  const state = open(dir);
  const onError = (error: unknown): void => void errors.push(error);
  const recordings = new Recordings({ state, beforeMs: 1, afterMs: 1, onError });
  await state[Symbol.asyncDispose]();
  await recordings.note('aa', 'Slow', NOW);
  expect(errors).toHaveLength(1);
  rmSync(dir, { recursive: true });
});

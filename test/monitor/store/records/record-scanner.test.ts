import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { RecordBatch, RecordScan } from '../../../../src/model/record-source.ts';
import type { MemoryView } from '../../../../src/monitor/store/records/memory-batch.ts';
import { RecordScanner, type ScannerParts } from '../../../../src/monitor/store/records/record-scanner.ts';
import { FastClock } from '../../../support/fast-clock.ts';

const [SCANS, BATCHES] = [4, 20];

it('gives the thread back for all scans together, however many run at once', async () => {
  const clock = new FastClock(1_000_000);
  let taken = 0;
  // Each batch takes 2 ms.
  const view = {
    extent: { firstMs: 0, lastMs: 1 },
    service: 'shop',
    count: 1,
    batch: () => {
      clock.jumpTo(clock.now() + 2);
      taken += 1;
      return { begin: 0, end: 1 } as unknown as RecordBatch<'logs'>;
    },
  } as unknown as MemoryView<'logs'>;
  const parts = {
    clock,
    files: { list: () => [], entries: () => [] },
    memory: () => Array.from({ length: BATCHES }, () => view),
    undelivered: () => [],
    onLoss: () => {},
  } as unknown as ScannerParts;
  const scanner = new RecordScanner(parts);
  const scan = { signal: 'logs', fromMs: 0, toMs: 10 } as unknown as RecordScan & { readonly signal: 'logs' };
  const running = new Set<number>(Array.from({ length: SCANS }, (_, at) => at));
  const all = [...running].map(async (at) => {
    for await (const batch of scanner.run(scan)) expect(batch.end).toBe(1);
    running.delete(at);
  });
  let most = 0;
  while (running.size > 0) {
    const before = taken;
    await nextTurn();
    most = Math.max(most, taken - before);
  }
  await Promise.all(all);
  expect(taken).toBe(SCANS * BATCHES);
  // A slice of 5 ms in each turn; each scan begins with one batch.
  expect(most).toBeLessThanOrEqual(SCANS);
});

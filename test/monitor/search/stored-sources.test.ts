import { describe, expect, it } from 'vitest';
import { StoredSpans } from '../../../src/monitor/search/stored-sources.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { spanOf } from '../../support/records/plain-records.ts';

const NOW = 1_800_000_000_000;

describe('traces for an alert', () => {
  const records = new ArrayRecords();
  records.add('traces', [
    spanOf({ trace: 1, span: 1, startMs: NOW - 9_000, durationMs: 30, name: 'POST /pay', service: 'gate' }),
    spanOf({ trace: 1, span: 2, parent: 1, startMs: NOW - 8_990, durationMs: 9, service: 'bank', error: true }),
    spanOf({ trace: 2, span: 3, startMs: NOW - 5_000, durationMs: 1_500, name: 'job', service: 'gate' }),
    spanOf({ trace: 3, span: 4, startMs: NOW - 400_000, durationMs: 2_000, service: 'gate', error: true }),
  ]);
  const spans = new StoredSpans(records, movedClock(NOW));
  const ask = async (query: Partial<Parameters<StoredSpans['find']>[0]>): Promise<unknown[]> =>
    (await spans.find({ fromMs: NOW - 300_000, limit: 10, ...query })).map(({ root, errors }) => [root.name, errors]);

  it('are found by service, failure, duration and time, newest first', async () => {
    expect(await ask({})).toEqual([
      ['job', 0],
      ['POST /pay', 1],
    ]);
    expect(await ask({ limit: 1 })).toEqual([['job', 0]]);
    expect(await ask({ service: 'bank' })).toEqual([['POST /pay', 1]]);
    expect(await ask({ service: 'bank', onlyErrors: true })).toEqual([['POST /pay', 1]]);
    expect(await ask({ service: 'gate', onlyErrors: true })).toEqual([]);
    expect(await ask({ service: 'gate', minDurationMs: 1_000 })).toEqual([['job', 0]]);
    expect(await ask({ service: 'none' })).toEqual([]);
  });

  it('are read whole, each span once, also by an id that no index holds while it is recent', async () => {
    const odd = (startMs: number, spanId: string): ReturnType<typeof spanOf> => ({
      ...spanOf({ trace: 9, span: 9, startMs, durationMs: 1 }),
      traceId: 'odd',
      spanId,
    });
    records.add('traces', [odd(NOW - 100, 'b'), odd(NOW - 200, 'a'), odd(NOW - 200, 'a'), odd(NOW - 7e6, 'old')]);
    expect((await spans.trace('odd')).map(({ spanId }) => spanId)).toEqual(['a', 'b']);
    expect(await spans.trace(`${'0'.repeat(31)}1`)).toHaveLength(2);
    expect(await spans.trace('none')).toEqual([]);
  });
});

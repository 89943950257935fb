import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { blankTraces, isBlankId } from '../../../../src/monitor/store/codec/blank-traces.ts';
import { all, batchOf, labelsOf, openTestStore, removeDirectory, temporaryDirectory } from '../store-fixture.ts';

const [GONE, LEFT] = ['ab'.repeat(16), 'cd'.repeat(16)];
const SPAN = 'ef'.repeat(8);

describe('deleted traces', () => {
  it('are blanked in a row, and nothing else is', () => {
    const text = (trace: string, span: string): string => `xx["a","b","span_id","${span}","trace_id","${trace}"]yy`;
    const row = Buffer.from(text(GONE, SPAN) + text(LEFT, SPAN) + '"trace_id","');
    expect(blankTraces(row, new Set(['12'.repeat(16)]))).toBe(false);
    expect(blankTraces(row, new Set([GONE]))).toBe(true);
    expect(row.toString()).toBe(text('0'.repeat(32), '0'.repeat(16)) + text(LEFT, SPAN) + '"trace_id","');
    expect([isBlankId('0'.repeat(32)), isBlankId(''), isBlankId(LEFT)]).toEqual([true, false, false]);
  });

  it('leave no exemplar behind: not in memory, not in a file, not after a restart', async () => {
    const dir = temporaryDirectory();
    let store = openTestStore(dir);
    const labels = labelsOf('h');
    for (const [at, trace] of [GONE, LEFT].entries()) {
      const batch = batchOf(store, [{ labels, t: at + 1, v: at }]);
      const exemplar = { labels: Labels.from({ span_id: SPAN, trace_id: trace }), value: 1, timestampMs: at + 1 };
      await store.append({ ...batch, exemplars: [{ ref: batch.refs[0], exemplar }] });
    }
    const traces = async (): Promise<string[]> =>
      (await store.exemplars([all('h')], 0, 10)).flatMap(({ exemplars }) =>
        exemplars.map((one) => one.labels.get('trace_id')),
      );
    expect(await traces()).toEqual([GONE, LEFT]);
    store.dropExemplars(new Set([GONE]));
    expect(await traces()).toEqual([LEFT]);
    const holds = (id: string): boolean =>
      readdirSync(dir).some((name) => readFileSync(path.join(dir, name)).includes(id));
    expect([holds(GONE), holds(LEFT)]).toEqual([false, true]);
    await store.close();
    store = openTestStore(dir);
    expect(await traces()).toEqual([LEFT]);
    const [series] = await store.select(all('h'), 0, 10);
    expect(series).toBeDefined();
    await store.close();
    removeDirectory(dir);
  });
});

/** The Querier suite against the embedded engine, and against the same engine as a remote server over a real socket. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedQuerier, type SharedQuerier } from '../../../src/monitor/promql/beside/shared-querier.ts';
import type { LightLimits } from '../../../src/monitor/promql/columns/budget.ts';
import { remoteQuerier } from '../../../src/monitor/promql/remote/querier.ts';
import { embeddedMetrics, nativeData, querierData, type EmbeddedMetrics } from '../../support/promql/querier-data.ts';
import { remoteWrite } from '../../support/telemetry/remote-write.ts';
import { EXPRESSIONS, NATIVE_EXPRESSIONS, asJson, differenceOf, querierSuite } from '../../suites/querier.ts';

const END_MS = 1_795_176_000_000;
/** Limits so low that every query is heavy. */
const NOTHING: LightLimits = { workMs: -1, compiled: 0, matchSteps: 0 };
const TRAITS = { native: true, utf8: true, lookback: true };

let embedded: EmbeddedMetrics;
beforeAll(async () => {
  embedded = await embeddedMetrics();
  await remoteWrite(embedded.url, [...querierData(END_MS), ...nativeData(END_MS)]);
});
afterAll(() => embedded[Symbol.asyncDispose]());

describe('embedded', () => querierSuite(() => ({ querier: embedded.querier, endMs: END_MS }), TRAITS));

describe('on the query thread', () => {
  let beside: SharedQuerier;
  beforeAll(() => {
    beside = sharedQuerier(embedded.source, { maxSamples: 10_000_000, light: NOTHING });
  });
  afterAll(async () => beside[Symbol.asyncDispose]());
  querierSuite(() => ({ querier: beside, endMs: END_MS }), TRAITS);

  it('answers like the embedded querier', async () => {
    for (const expr of [...EXPRESSIONS, ...NATIVE_EXPRESSIONS]) {
      const asked = [embedded.querier, beside].map(async (one) => [
        await one.instant(expr, END_MS),
        await one.range(expr, END_MS - 600_000, END_MS, 60_000),
      ]);
      const [ours, theirs] = await Promise.all(asked);
      expect(theirs, expr).toEqual(ours);
    }
  });
});

describe('remote', () => {
  const querier = (): ReturnType<typeof remoteQuerier> => remoteQuerier({ url: embedded.url });
  querierSuite(() => ({ querier: querier(), endMs: END_MS }), TRAITS);

  it.each([...EXPRESSIONS, ...NATIVE_EXPRESSIONS])('answers like the embedded querier: %s', async (expr) => {
    const [ours, theirs] = await Promise.all([embedded.querier, querier()].map((one) => one.instant(expr, END_MS)));
    expect(differenceOf(asJson(ours), asJson(theirs))).toBe('');
    expect([theirs.warnings, theirs.infos]).toEqual([ours.warnings, ours.infos]);
    const ranges = [embedded.querier, querier()].map((one) => one.range(expr, END_MS - 600_000, END_MS, 60_000));
    const [a, b] = await Promise.all(ranges);
    expect(differenceOf(asJson(a), asJson(b))).toBe('');
  });
});

import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { Querier } from '../../../src/model/ports.ts';
import { servicesAnswer, verdictOf } from '../../../src/monitor/api/service-matrix.ts';
import { fakeQuerier } from '../../support/page/fake-stack.ts';

describe('the verdict on a service', () => {
  const calm = { errorRatio: 0, p95Seconds: 0.03, firstByteSeconds: null };

  it.each([
    [calm, 'healthy', ''],
    [{ ...calm, errorRatio: 0.02 }, 'degraded', 'errors 2 %'],
    [{ ...calm, errorRatio: 0.06, p95Seconds: 0.3 }, 'unhealthy', 'errors 6 %, p95 300 ms'],
    [{ ...calm, p95Seconds: 1.5 }, 'unhealthy', 'p95 1500 ms'],
    // Event streams last for minutes; what users wait for is the first byte.
    [{ ...calm, p95Seconds: 60, firstByteSeconds: 0.012 }, 'healthy', ''],
    [{ ...calm, p95Seconds: 0.1, firstByteSeconds: 0.25 }, 'degraded', 'mean time to first byte 250 ms'],
    [{ errorRatio: null, p95Seconds: null, firstByteSeconds: null }, 'healthy', ''],
  ] as const)('of %j is %s', (signals, state, reason) => {
    expect(verdictOf(signals)).toEqual({ state, reason });
  });

  it('compares long answers of a balancer by their first byte, now and in each minute of its strip', async () => {
    const nowMs = 1_800_000_000_000;
    const usual = fakeQuerier(nowMs + 3_600_000);
    const rows = (expr: string): readonly (readonly [Record<string, string>, number])[] | undefined => {
      const job = 'vitrine-balancer';
      if (expr.includes('phase_duration')) return [[{ job }, 0.02]];
      return expr.includes('histogram_quantile') ? [[{ job }, 30]] : undefined;
    };
    const streaming: Querier = {
      ...usual,
      async instant(expr, atMs, options) {
        const found = rows(expr);
        if (found === undefined) return usual.instant(expr, atMs, options);
        const series = found.map(([labels, v]) => ({ labels: Labels.from(labels), point: { t: atMs, v } }));
        return { value: { kind: 'vector', series }, warnings: [], infos: [] } as never;
      },
      async range(expr, fromMs, toMs, stepMs, options) {
        const found = rows(expr);
        if (found === undefined) return usual.range(expr, fromMs, toMs, stepMs, options);
        const t = Float64Array.from({ length: (toMs - fromMs) / stepMs + 1 }, (_, at) => fromMs + at * stepMs);
        const series = found.map(([labels, v]) => ({ labels: Labels.from(labels), t, v: t.map(() => v) }));
        return { value: { kind: 'matrix', series }, warnings: [], infos: [] };
      },
    };
    const { services } = await servicesAnswer(streaming, [], nowMs);
    const row = services.find(({ service }) => service === 'vitrine-balancer');
    expect(row).toMatchObject({ state: 'healthy', reason: '', p95_seconds: 30, first_byte_seconds: 0.02 });
    expect(new Set(row?.strip)).toEqual(new Set(['healthy']));
  });
});

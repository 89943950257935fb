import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Querier } from '../../../src/model/ports.ts';
import { servicesAnswer, ServiceStrips, verdictOf } from '../../../src/monitor/api/service-matrix.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { fakeQuerier } from '../../support/page/fake-stack.ts';
import { until } from '../../support/until.ts';

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
    const { services } = await servicesAnswer(streaming, new ServiceStrips(streaming, systemClock), [], nowMs);
    const row = services.find(({ service }) => service === 'vitrine-balancer');
    expect(row).toMatchObject({ state: 'healthy', reason: '', p95_seconds: 30, first_byte_seconds: 0.02 });
    expect(new Set(row?.strip)).toEqual(new Set(['healthy']));
  });
});

describe('the strips of services', () => {
  const minuteMs = 1_800_000_000_000;

  /** A querier whose ranges are answered when the test says so. */
  function held(): { querier: Querier; asked: number[]; answer: () => void; fail: () => void } {
    const usual = fakeQuerier(minuteMs + 3_600_000);
    const asked: number[] = [];
    let open: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const each = (act: (one: (typeof open)[number]) => void): void => {
      const now = open;
      open = [];
      now.forEach(act);
    };
    return {
      asked,
      answer: () => each(({ resolve }) => resolve()),
      fail: () => each(({ reject }) => reject(new Error('the store is closed'))),
      querier: {
        ...usual,
        range(expr, startMs, endMs, stepMs, options) {
          asked.push(endMs);
          const { promise, resolve, reject } = Promise.withResolvers<void>();
          open.push({ resolve, reject });
          return promise.then(() => usual.range(expr, startMs, endMs, stepMs, options));
        },
      },
    };
  }

  it('are evaluated once a minute for all viewers, and the ones before are shown meanwhile', async () => {
    const { querier, asked, answer } = held();
    const strips = new ServiceStrips(querier, movedClock(minuteMs));
    const both = Promise.all([strips.at(minuteMs), strips.at(minuteMs + 5_000)]);
    answer();
    const [first, second] = await both;
    expect(first).toBe(second);
    expect(first.errors.get('payments')?.size).toBeGreaterThan(0);
    expect(await strips.at(minuteMs + 59_000)).toBe(first);
    expect(asked).toEqual(Array.from({ length: 5 }, () => minuteMs));
    expect(await strips.at(minuteMs + 60_000)).toBe(first);
    answer();
    await until(async () => (await strips.at(minuteMs + 61_000)).minuteMs === minuteMs + 60_000);
    expect(asked.slice(5)).toEqual(Array.from({ length: 5 }, () => minuteMs + 60_000));
  });

  it('are left out of an answer that would wait for long, and are there when they have come', async () => {
    const { querier, answer } = held();
    const clock = movedClock(minuteMs);
    const strips = new ServiceStrips(querier, clock);
    const pending = servicesAnswer(querier, strips, [], minuteMs);
    await clock.advance(3_000);
    const { services } = await pending;
    expect(services.map(({ service }) => service)).toContain('payments');
    expect(services[0].strip.slice(0, 14)).toEqual(Array.from({ length: 14 }, () => 'no_data'));
    answer();
    await until(async () => (await strips.at(minuteMs)).errors.size > 0);
  });

  it('are asked for again after a failure', async () => {
    const { querier, answer, fail } = held();
    const strips = new ServiceStrips(querier, movedClock(minuteMs));
    const failing = strips.at(minuteMs);
    fail();
    await expect(failing).rejects.toThrow('the store is closed');
    const again = strips.at(minuteMs);
    answer();
    expect((await again).errors.size).toBeGreaterThan(0);
  });
});

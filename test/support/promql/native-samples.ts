/**
 * Series on which PromQL engines differ when they are not the same to the letter: native histograms with every reset hint,
 * zero bucket and layout, series that change between floats and histograms, sums that lose digits, NaN, and info metrics.
 */
import type { WrittenSeries } from '../telemetry/remote-write.ts';

const STEP_MS = 15_000;
const COUNT = 41;
const [NO, GAUGE] = [2, 3];

type Fields = Readonly<Record<string, unknown>>;

const exponential = (timestamp: number, scale: number, more: Fields = {}): object => ({
  timestamp,
  countFloat: 6 * scale,
  sum: 17.3 * scale,
  schema: 1,
  zeroThreshold: 0.001,
  zeroCountFloat: scale,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 2, length: 1 },
  ],
  positiveCounts: [scale, 2 * scale, scale],
  negativeSpans: [{ offset: -1, length: 1 }],
  negativeCounts: [scale],
  ...more,
});

const custom = (timestamp: number, scale: number, customValues: readonly number[]): object => ({
  timestamp,
  countFloat: scale * (customValues.length + 1),
  sum: 11.1 * scale,
  schema: -53,
  customValues,
  positiveSpans: [{ offset: 0, length: customValues.length + 1 }],
  positiveCounts: Array.from({ length: customValues.length + 1 }, () => scale),
});

/** Ten minutes at 15 s up to `endMs`. */
export function nativeSamples(endMs: number): WrittenSeries[] {
  const times = Array.from({ length: COUNT }, (_, k) => endMs - (COUNT - 1 - k) * STEP_MS);
  const floats = (labels: Record<string, string>, value: (k: number) => number | undefined): WrittenSeries => ({
    labels,
    samples: times.flatMap((t, k) => {
      const v = value(k);
      return v === undefined ? [] : [{ t, v }];
    }),
  });
  const natives = (
    labels: Record<string, string>,
    value: (t: number, k: number) => object | undefined,
  ): WrittenSeries => ({
    labels,
    samples: [],
    histograms: times.flatMap((t, k) => value(t, k) ?? []),
  });
  const out: WrittenSeries[] = [
    natives({ __name__: 'h_counter', i: 'a' }, (t, k) => exponential(t, (k % 23) + 1)),
    natives({ __name__: 'h_counter', i: 'b' }, (t, k) =>
      exponential(t, k + 1, {
        schema: k < 20 ? 3 : 0,
        zeroThreshold: k % 5 === 0 ? 0.5 : 0.001,
        negativeSpans: [{ offset: 2, length: 1 }],
      }),
    ),
    natives({ __name__: 'h_hint', i: 'no' }, (t, k) => exponential(t, k + 1, { resetHint: NO })),
    natives({ __name__: 'h_hint', i: 'unknown' }, (t, k) => exponential(t, k + 1)),
    natives({ __name__: 'h_gauge', i: 'a' }, (t, k) => exponential(t, (k % 7) + 1, { resetHint: GAUGE })),
    natives({ __name__: 'h_gauge', i: 'b' }, (t, k) => exponential(t, (k % 5) + 1, { resetHint: GAUGE })),
    natives({ __name__: 'h_zero', i: 'wide' }, (t, k) =>
      exponential(t, k + 1, {
        zeroThreshold: 2,
        zeroCountFloat: 5 * (k + 1),
        positiveSpans: [{ offset: 3, length: 3 }],
        negativeSpans: [],
        negativeCounts: [],
      }),
    ),
    natives({ __name__: 'h_zero', i: 'narrow' }, (t, k) => exponential(t, k + 1, { zeroThreshold: 1e-128 })),
    natives({ __name__: 'h_zero', i: 'none' }, (t, k) =>
      exponential(t, k + 1, { zeroThreshold: 0, zeroCountFloat: 0 }),
    ),
    natives({ __name__: 'h_custom', i: 'a' }, (t, k) => custom(t, k + 1, [1, 5, 10])),
    natives({ __name__: 'h_custom', i: 'b' }, (t, k) => custom(t, k + 2, [1, 4, 5, 10, 20])),
    natives({ __name__: 'h_custom', i: 'c' }, (t, k) => custom(t, k + 2, [2, 3])),
    natives({ __name__: 'h_both', i: 'x' }, (t, k) => (k % 2 === 0 ? exponential(t, k + 1) : custom(t, k + 1, [1, 2]))),
    natives({ __name__: 'h_gap', i: 'a' }, (t, k) => (k % 6 < 3 ? exponential(t, k + 1) : undefined)),
    floats({ __name__: 'c_total', i: 'a' }, (k) => (k % 17) * 3),
    floats({ __name__: 'c_total', i: 'b' }, (k) => (k % 6 < 3 ? k : undefined)),
    floats({ __name__: 'not_counting', i: 'a' }, (k) => k),
    floats({ __name__: 'not_counting', i: 'b' }, (k) => 2 * k),
    floats({ __name__: 'nan_gauge', i: 'some' }, (k) => (k % 4 === 0 ? Number.NaN : k * 1.7)),
    floats({ __name__: 'nan_gauge', i: 'all' }, () => Number.NaN),
    floats({ __name__: 'nan_gauge', i: 'inf' }, (k) => [1, Infinity, -Infinity, 4][k % 4]),
    floats({ __name__: 'nan_gauge', i: 'none' }, (k) => Math.sin(k) * 9),
    floats({ __name__: 'target_info', job: 'j', instance: 'one', version: '1', env: 'prod' }, () => 1),
    floats({ __name__: 'target_info', job: 'j', instance: 'two', version: '2', env: 'test' }, () => 1),
    floats({ __name__: 'target_info', job: 'k', instance: 'two', version: '3' }, () => 1),
    floats({ __name__: 'build_info', job: 'j', instance: 'one', version: '9', branch: 'main' }, () => 1),
    floats({ __name__: 'twice_info', job: 'j', instance: 'one', a: '1' }, () => 1),
    floats({ __name__: 'twice_info', job: 'j', instance: 'one', a: '2' }, () => 1),
    floats({ __name__: 'served_total', job: 'j', instance: 'one' }, (k) => k),
    floats({ __name__: 'served_total', job: 'j', instance: 'two' }, (k) => 2 * k),
    floats({ __name__: 'served_total', job: 'x', instance: 'nowhere' }, (k) => 3 * k),
    natives({ __name__: 'served_seconds', job: 'j', instance: 'one' }, (t, k) => exponential(t, k + 1)),
    natives({ __name__: 'histogram_info', job: 'j', instance: 'one' }, (t, k) => exponential(t, k + 1)),
  ];
  for (const [i, value] of [1e16, 3.14, -1e16, 2.718, 1, 1e-3, -7e15, 0.1].entries()) {
    out.push(floats({ __name__: 'rounding', i: String(i) }, (k) => value * (1 + (k % 3) / 7)));
    out.push(
      natives({ __name__: 'h_rounding', i: String(i) }, (t, k) =>
        exponential(t, 1, {
          sum: value * (1 + (k % 3) / 7),
          positiveCounts: [Math.abs(value) / 3, 0.1, Math.abs(value) / 7],
          countFloat: Math.abs(value),
          resetHint: GAUGE,
        }),
      ),
    );
  }
  for (let i = 0; i < 20; i += 1)
    out.push(floats({ __name__: 'many', i: `series-${i}`, job: `j${i % 3}` }, (k) => k * i));
  return out;
}

/** One series that is a float, then a histogram: `[series before, series after]`, to be written in this order. */
export function mixedSamples(endMs: number): readonly [WrittenSeries[], WrittenSeries[]] {
  const times = Array.from({ length: COUNT }, (_, k) => endMs - (COUNT - 1 - k) * STEP_MS);
  const labels = (i: string): Record<string, string> => ({ __name__: 'mixed', i });
  const firstHalf = times.slice(0, 36).map((t, k) => ({ t, v: k }));
  const secondHalf = times.slice(36).map((t, k) => exponential(t, k + 1));
  return [
    [
      { labels: labels('float-first'), samples: firstHalf },
      {
        labels: labels('histogram-first'),
        samples: [],
        histograms: times.slice(0, 36).map((t, k) => exponential(t, k + 1)),
      },
    ],
    [
      { labels: labels('float-first'), samples: [], histograms: secondHalf },
      { labels: labels('histogram-first'), samples: times.slice(36).map((t, k) => ({ t, v: k })) },
    ],
  ];
}

/** A querier that answers every expression with a wave for each of some names. */
import { Labels } from '../../../src/model/labels.ts';
import type { MatrixSeries, Querier } from '../../../src/model/ports.ts';
import { fakeQuerier } from './fake-stack.ts';

/** A wave for each name, over any range. */
export function waveQuerier(names: readonly string[], rest: Partial<Querier> = {}): Querier {
  return {
    ...fakeQuerier(Date.now()),
    range(expr, startMs, endMs, stepMs) {
      const marksOnly = /target_info|ALERTS|uptime|last_reload/.test(expr);
      const t = Float64Array.from(
        { length: Math.floor((endMs - startMs) / stepMs) + 1 },
        (_, at) => startMs + at * stepMs,
      );
      const series = (marksOnly ? [] : names).map((job, n): MatrixSeries => ({
        labels: Labels.from({ job }),
        t,
        v: t.map((at) => n + 1 + Math.sin(at / 60_000 + n)),
      }));
      return Promise.resolve({ value: { kind: 'matrix', series }, warnings: [], infos: [] });
    },
    instant: (_, atMs) =>
      Promise.resolve({
        value: {
          kind: 'vector',
          series: names.map((job, n) => ({ labels: Labels.from({ job }), point: { t: atMs, v: n } })),
        },
        warnings: [],
        infos: [],
      }),
    ...rest,
  };
}

/** The loop for plain floats gives what the window functions give, to the last bit. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { SampleSource } from '../../../src/model/ports.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { MemorySource } from '../../support/promql/memory-source.ts';

const samples = fc.array(
  fc.record({ gapMs: fc.integer({ min: 1, max: 40_000 }), v: fc.integer({ min: -5, max: 50 }) }),
  {
    minLength: 1,
    maxLength: 120,
  },
);

/** With an unknown start time the samples go through the window functions. */
const withStarts = (source: MemorySource): Pick<SampleSource, 'select'> => ({
  select: (matchers, mintMs, maxtMs) =>
    source.select(matchers, mintMs, maxtMs).map(({ labels, samples: found }) => ({
      labels,
      samples: { ...found, st: new Float64Array(found.t.length) },
    })),
});

it('rate, increase and delta of floats are the same in both', async () => {
  await fc.assert(
    fc.asyncProperty(
      samples,
      fc.constantFrom('rate', 'increase', 'delta'),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 90 }),
      async (plan, func, rangeS, stepS) => {
        const source = new MemorySource();
        let t = 0;
        source.add(
          Labels.from({ __name__: 'x_total' }),
          plan.map(({ gapMs, v }) => ({ t: (t += gapMs), v: v / 3 })),
        );
        const expr = `${func}(x_total[${rangeS}s])`;
        const [fast, slow] = await Promise.all(
          [source, Object.assign(Object.create(source) as SampleSource, withStarts(source))].map(async (one) =>
            embeddedQuerier(one).range(expr, 0, t + 60_000, stepS * 1_000),
          ),
        );
        expect(fast.value).toEqual(slow.value);
      },
    ),
    { numRuns: 150 },
  );
});

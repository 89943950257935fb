import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { unixMs } from '../../../src/model/time/unix-ms.ts';

it('gives the whole milliseconds of any time', () => {
  const edges = fc.constantFrom(0n, -1n, -1_000_001n, 999_999n, 1_000_000n, 2n ** 64n - 1n, 2n ** 64n, -(2n ** 70n));
  const time = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
    edges,
  );
  const nearWhole = fc
    .tuple(fc.bigInt({ min: 0n, max: 18_446_744_073_709n }), fc.constantFrom(-1n, 0n, 1n))
    .map(([ms, more]) => ms * 1_000_000n + more);
  fc.assert(
    fc.property(fc.oneof(time, nearWhole), (nanos) => {
      expect(unixMs(nanos) + 0).toBe(Number(nanos / 1_000_000n));
    }),
    { numRuns: 5_000 },
  );
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { IdPool } from '../../../src/telemetry/spans/id-pool.ts';

describe('ids', () => {
  it('are hexadecimal, have the given length, and do not repeat', () => {
    for (const bytes of [8, 16]) {
      const pool = new IdPool(bytes, seededRandom(7));
      const ids = Array.from({ length: 5_000 }, () => pool.next());
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.every((id) => /^[0-9a-f]+$/.test(id) && id.length === bytes * 2)).toBe(true);
      // Each digit is equally likely at each place, so no digit is missing at the first or the last.
      expect(new Set(ids.map((id) => id[0])).size).toBe(16);
      expect(new Set(ids.map((id) => id.at(-1))).size).toBe(16);
    }
  });
  it('are never all zeros', () => expect(new IdPool(8, () => 0).next()).toBe('0000000000000001'));
});

import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { placeOfLabels, xxHash64 } from '../../../../src/monitor/promql/operators/label-hash.ts';

describe('the hash of labels', () => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('equals the xxHash64 values that its authors publish: "%s"', (text, hash) => {
    expect(xxHash64(Buffer.from(text))).toBe(hash);
  });

  it('writes lengths as Prometheus does: long ones take four bytes', () => {
    const name = 'n';
    const value = 'v'.repeat(300);
    const bytes = Buffer.concat([
      Buffer.from([1]),
      Buffer.from(name),
      Buffer.from([255, 300 & 255, 1, 0]),
      Buffer.from(value),
    ]);
    expect(placeOfLabels(Labels.from({ n: value }))).toBe(Number(xxHash64(bytes)) / 2 ** 64);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeValue } from '../../../../src/model/records.ts';
import { packValue, unpackValue, type Packed } from '../../../../src/monitor/store/codec/record-codec.ts';

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.double(),
    fc.boolean(),
    fc.bigInt(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: false }),
  ),
}));

describe('packed values', () => {
  it('unpack to the same value, whatever it contains', () => {
    fc.assert(
      fc.property(value, (one) => {
        expect(unpackValue(JSON.parse(JSON.stringify(packValue(one))) as Packed)).toEqual(one);
      }),
    );
  });
});

import { expect, it } from 'vitest';
import { readSupportCode, supportCode } from '../../../src/model/text/support-code.ts';

it('is forty bits of a span id in Crockford’s base 32', () => {
  expect(supportCode('0000000000ffffff')).toBe('00000000');
  expect(supportCode('ffffffffff000000')).toBe('ZZZZZZZZ');
  // 0x00001 = 1, 0x08421 = 1·32³ + 1·32² + 1·32 + 1.
  expect(supportCode('0000108421abcdef')).toBe('00011111');
});

it('is read with or without a dash, in any case, and with letters for the digits they look like', () => {
  expect(readSupportCode('abcd-efgh')).toBe('ABCDEFGH');
  expect(readSupportCode(' oIl0-zzzz ')).toBe('0110ZZZZ');
  for (const wrong of ['', 'ABCDEFG', 'ABCDEFGU', 'ABCDEFGHJ', 'ABCD EFGH'])
    expect(readSupportCode(wrong)).toBeUndefined();
});

/** Which texts are ids, and that both sides of a search give an id the same number. */
import { describe, expect, it } from 'vitest';
import { idNumber } from '../../../src/model/text/id-numbers.ts';

describe('the number of an id', () => {
  it.each([
    '4bf92f3577b34da6a3ce929d0e0e4736',
    '00f067aa0ba902b7',
    '4bf92f35-77b3-4da6-a3ce-929d0e0e4736',
    'txn_7f3a9c0d1e2b4a56',
    'urn:order:7f3a9c0d1e2b4a56',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  ])('%s has one', (text) => {
    expect(idNumber(text)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['short', '7f3a9c0d1e2b4a5'],
    ['without a digit', 'abcdefabcdefabcdef'],
    ['with other letters', '7f3a9c0d1e2b4a5z'],
    ['with other characters', '7f3a9c0d1e2b4a56/7f3a9c0d'],
    ['with a long prefix', `${'p'.repeat(17)}_7f3a9c0d1e2b4a56`],
    ['with little behind the prefix', '7f3a9c0d1e2b4a56_7f3a'],
    ['a ULID with a prefix', 'id_01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['very long', '7'.repeat(81)],
  ])('a text that is %s has none', (_, text) => {
    expect(idNumber(text)).toBe(-1);
  });

  it('is the same for ids that differ in case or dashes only, and another for other ids', () => {
    const uuid = '4bf92f35-77b3-4da6-a3ce-929d0e0e4736';
    expect(idNumber(uuid.toUpperCase())).toBe(idNumber(uuid));
    expect(idNumber(uuid.replaceAll('-', ''))).toBe(idNumber(uuid));
    expect(idNumber('4bf92f35-77b3-4da6-a3ce-929d0e0e4737')).not.toBe(idNumber(uuid));
    expect(idNumber('a_7f3a9c0d1e2b4a56')).not.toBe(idNumber('b_7f3a9c0d1e2b4a56'));
  });
});

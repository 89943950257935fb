import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalId, filterWordsOf, idsOf, isFilterWord, isId, wordsOf } from '../../../src/model/text/words.ts';

describe('words of a text', () => {
  it('are runs of letters, digits and underscores in lower case', () => {
    expect(wordsOf('Card declined: user_id=42, größe über-all')).toEqual([
      'card',
      'declined',
      'user_id',
      '42',
      'größe',
      'über',
      'all',
    ]);
  });

  it('go into a filter unless they hold a digit or are very long', () => {
    expect(filterWordsOf(`GET /v2/orders 4bf92f3577b34da6 ${'a'.repeat(65)}`)).toEqual(['get', 'orders']);
    fc.assert(fc.property(fc.string(), (text) => filterWordsOf(text).every(isFilterWord)));
  });
});

describe('ids', () => {
  it.each([
    '4bf92f3577b34da6a3ce929d0e0e4736',
    '00F067AA0BA902B7',
    '550e8400-e29b-41d4-a716-446655440000',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  ])('are recognised alone and in a text: %s', (id) => {
    expect(isId(id)).toBe(true);
    expect(idsOf(`order ${id}, failed`)).toEqual([canonicalId(id)]);
    expect(idsOf(`x${id}`)).toEqual([]);
    expect(canonicalId(id.toUpperCase())).toBe(canonicalId(id.toLowerCase()));
  });

  it.each(['4bf92f3577b34da', 'deadbeef', '81ARZ3NDEKTSV4RRFFQ69G5FAV', 'internationalizationproblem'])(
    'are not %s',
    (text) => expect(isId(text)).toBe(false),
  );
});

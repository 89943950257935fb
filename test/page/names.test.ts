import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestOf, fuzzyScore } from '../../src/page/state/fuzzy.ts';
import { visibleName, visibleText } from '../../src/page/state/visible-name.ts';

describe('a name from outside', () => {
  it.each([
    ['checkout', 'checkout'],
    ['\u202Egpj.exe', '⟨202E⟩gpj.exe'],
    ['pay\u200Bments', 'pay⟨200B⟩ments'],
    ['a\u0000b\u001B[31m', 'a⟨0000⟩b⟨001B⟩[31m'],
    ['two\nlines\tand', 'two⏎lines⇥and'],
    ['family 👨‍👩‍👧', 'family 👨‍👩‍👧'],
    ['🏳️‍🌈 shop', '🏳️‍🌈 shop'],
    ['a\u200Db', 'a⟨200D⟩b'],
    ['\uE000', '⟨E000⟩'],
    ['\uFFA0', '⟨FFA0⟩'],
    [`Z${'\u0351'.repeat(500)}`, `Z${'\u0351'.repeat(3)}⟨…⟩`],
    ['Ж שלום 日本', 'Ж שלום 日本'],
  ])('%j is shown as %j', (name, text) => expect(visibleText(name)).toBe(text));

  it('that is blank says so, and one that is long is shown whole on demand', () => {
    expect(visibleName('')).toEqual({ text: '(no name)', whole: undefined, blank: true });
    expect(visibleName(' \t ').text).toBe('(blank)');
    const long = 'x'.repeat(4_096);
    expect(visibleName(long)).toEqual({ text: `${'x'.repeat(160)}…`, whole: long, blank: false });
    expect(visibleName('👩‍🚀'.repeat(20), 3).text).toBe('👩‍🚀👩‍🚀👩‍🚀…');
  });

  it('never holds a character that is hidden or turns the text, whatever it is', () => {
    const hostile = fc.constantFrom('\u202E', '\u2066', '\u200B', '\uFEFF', '\u0007', '\u2028', '<b>', '👩‍🚀', 'a', ' ');
    fc.assert(
      fc.property(
        fc.array(fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 60 }),
        (parts) => {
          const { text } = visibleName(parts.join(''));
          expect(text.replaceAll('\u200D', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect(text.trim()).not.toBe('');
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the search of the palette', () => {
  const names = [
    'GET /payments/:id',
    'POST /payments',
    'Overview',
    'http_server_request_duration_seconds_bucket',
    'payments',
  ];
  const find = (letters: string): string[] => bestOf(names, (name) => name, letters, 3);

  it('finds by letters in order, words first', () => {
    expect(find('payments')[0]).toBe('payments');
    expect(find('gpi')).toEqual(['GET /payments/:id']);
    expect(find('hsrd')[0]).toBe('http_server_request_duration_seconds_bucket');
    expect(find('OVER')).toEqual(['Overview']);
    expect(find('zzz')).toEqual([]);
    expect(find('')).toEqual(names.slice(0, 3));
  });

  it('compares only the start of a long name, and never throws', () => {
    expect(fuzzyScore(`${'x'.repeat(5_000)}needle`, 'needle')).toBeUndefined();
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, letters) => {
        const score = fuzzyScore(text, letters);
        expect(score === undefined || Number.isFinite(score)).toBe(true);
      }),
    );
  });

  it('finds a text in itself', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        expect(fuzzyScore(text, text)).toBeDefined();
      }),
    );
  });

  it('searches 10,000 names within the time of a key press', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => `metric_${at}_of_some_service_total`);
    expect(bestOf(many, (name) => name, 'mofsst', 40)).toHaveLength(40);
  });
});

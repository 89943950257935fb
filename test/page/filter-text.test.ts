import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '../../src/monitor/search/parser.ts';
import { checkedFilter } from '../../src/monitor/search/checker.ts';
import { printFilter } from '../../src/monitor/search/printer.ts';
import { hasTerm, phrase, termOf, termsIn, toggled, withTerm } from '../../src/page/state/filter-text.ts';

const names = fc.oneof(
  fc.constantFrom('service', 'level', 'http.route', 'a b', 'x:y', '"', 'or'),
  fc.string({ minLength: 1, maxLength: 12 }),
);
const values = fc.oneof(
  fc.constantFrom(
    'checkout',
    '500',
    'or',
    'NOT',
    'a..b',
    '*',
    'a*',
    'now-1h',
    '>=1',
    '(a or b)',
    '~"x"',
    '200ms',
    '\\',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
);

describe('a term of a filter', () => {
  it('means the field and the value as they are, whatever signs they hold', () => {
    fc.assert(
      fc.property(names, values, (name, value) => {
        const tree = parseFilter(termOf(name, value));
        expect(tree).toMatchObject({ kind: 'field', name, value: { kind: 'plain', text: value } });
        if (/[*.~()<>]/.test(value)) expect(tree).toMatchObject({ value: { quoted: true } });
      }),
    );
  });

  it('of an absent value leaves out records that have the field', () => {
    expect(termOf('upstream', '')).toBe('-upstream:*');
    expect(() => checkedFilter(termOf('upstream', ''), 0)).not.toThrow();
  });

  it('narrows any filter that can be read, and leaves one that can be read', () => {
    const filters = fc.constantFrom(
      '',
      'a',
      'a or b',
      'not a',
      'a and (b or c)',
      '"x or y"',
      String.raw`message:"a \" or b"`,
      'level:>=warn -path:/health',
    );
    fc.assert(
      fc.property(filters, names, values, (filter, name, value) => {
        const term = termOf(name, value);
        const narrowed = withTerm(filter, term);
        const expected = filter === '' ? term : `(${filter}) ${term}`;
        expect(printFilter(parseFilter(narrowed))).toBe(
          printFilter(
            parseFilter(
              filter === '' || /\b(?:or|not|and)\b/.test(filter.replaceAll(/"[^"]*"/g, ''))
                ? expected
                : `${filter} ${term}`,
            ),
          ),
        );
      }),
    );
  });
});

describe('a click on a value', () => {
  it.each([
    ['', 'level:error', 'level:error'],
    ['level:error', 'level:error', ''],
    ['a level:error "b c"', 'level:error', 'a "b c"'],
    ['a or level:error', 'level:error', '(a or level:error) level:error'],
    ['path:"/a b"', 'path:"/a b"', ''],
  ])('%j with %j gives %j', (filter, term, expected) => expect(toggled(filter, term)).toBe(expected));

  it('knows its term only where it narrows', () => {
    expect(hasTerm('a level:error', 'level:error')).toBe(true);
    expect(hasTerm('a or level:error', 'level:error')).toBe(false);
    expect(hasTerm('(level:error)', 'level:error')).toBe(false);
  });

  it('splits at spaces outside of quotes and parentheses, also in a filter that is not finished', () => {
    expect(termsIn('a (b or c)  x:"d e" "f \\" g"')).toEqual(['a', '(b or c)', 'x:"d e"', '"f \\" g"']);
    expect(termsIn('a "b c')).toEqual(['a', '"b c']);
    expect(termsIn('a "b\\')).toEqual(['a', '"b\\']);
    expect(phrase('a "b"')).toBe(String.raw`"a \"b\""`);
  });
});

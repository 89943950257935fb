import * as fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { regexSize } from '../../../src/model/text/regex-size.ts';

/** Nested patterns with every construct. */
const pattern = fc.letrec<{ atom: string; repeated: string; sequence: string; whole: string }>((tie) => ({
  atom: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom('a', 'é', '.', '[a-z]', '[^\\]]', '[[:alpha:]_]', '\\d', '\\pL', '\\p{Greek}'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('\\.', '\\x41', '\\x{1F600}', '\\Qa.b{9}\\E', '(?i)', '\\b', '^', '$', '()', '😀'),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('(', '(?:', '(?P<n>', '(?i:'), tie('whole'))
        .map(([open, inner]) => `${open}${inner})`),
    },
  ),
  repeated: fc
    .tuple(tie('atom'), fc.constantFrom('', '', '', '*', '+', '?', '*?', '{3}', '{0,7}', '{2,}', '{0}', '{1,9}?'))
    .map(([atom, repeat]) => atom + repeat),
  sequence: fc.array(tie('repeated'), { maxLength: 4 }).map((parts) => parts.join('')),
  whole: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
}));

function programSize(text: string): number | undefined {
  try {
    return RE2JS.compile(text, RE2JS.DOTALL).programSize();
  } catch {
    return undefined;
  }
}

describe('the size of a regular expression', () => {
  it('is never below the number of compiled instructions', () => {
    fc.assert(
      fc.property(pattern.whole, (text) => {
        const size = programSize(text);
        if (size !== undefined) expect(regexSize(text), text).toBeGreaterThanOrEqual(size - 2);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['a{1000}'.repeat(139), 139_000],
    ['((a{100}){100}){100}', 1_000_000],
    ['(a{2}b{3}){500}', 2_500],
    ['a{0,1000}'.repeat(30), 30_000],
  ])('adds up sequences and multiplies nested repeats: %s', (text, least) => {
    expect(regexSize(text)).toBeGreaterThanOrEqual(least);
  });

  it.each(['[[:a', String.raw`\p{`, String.raw`\x{`, '(?P<a', '(?i'])('reads %s, which never ends, once', (part) => {
    expect(regexSize(part.repeat(200_000))).toBeGreaterThan(0);
  });

  it('is close to the number of compiled instructions for common patterns', () => {
    for (const text of ['(api|web)-[0-9]{1,3}\\.example\\.(com|org)', '.*(GET|POST) /v[12]/.+', '[a-f0-9]{32}']) {
      expect(regexSize(text)).toBeLessThan(3 * (programSize(text) as number));
    }
  });
});

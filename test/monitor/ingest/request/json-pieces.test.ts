import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseJson } from '../../../../src/monitor/ingest/request/json-pieces.ts';
import { atOnce } from '../../../support/telemetry/decoders.ts';

type Outcome = { readonly value: unknown } | 'refused';

/** As plain objects, own properties only: objects that were put together have no prototype. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

function inPieces(bytes: Uint8Array, pieceBytes: number): Outcome {
  try {
    return { value: plain(atOnce(parseJson(bytes, pieceBytes))) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return 'refused';
    throw error;
  }
}

function atOnceBy(bytes: Uint8Array): Outcome {
  try {
    return { value: plain(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))) };
  } catch {
    return 'refused';
  }
}

const PIECE = fc.integer({ min: 1, max: 40 });

describe('JSON in pieces', () => {
  it('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), PIECE, fc.constantFrom(undefined, 1, '\t'), (text, pieceBytes, indent) => {
        const bytes = Buffer.from(JSON.stringify(JSON.parse(text), undefined, indent));
        expect(inPieces(bytes, pieceBytes)).toEqual(atOnceBy(bytes));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused where JSON.parse refuses it, and nowhere else', () => {
    const change = fc.record({
      at: fc.nat(),
      remove: fc.nat(3),
      put: fc.string({
        unit: fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', '1', ' ', 'a', '\n', '\u{feff}'),
      }),
    });
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 5 }),
        PIECE,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (text, pieceBytes, changes) => {
          let changed = text;
          for (const { at, remove, put } of changes) {
            const place = at % (changed.length + 1);
            changed = changed.slice(0, place) + put + changed.slice(place + remove);
          }
          const bytes = Buffer.from(changed);
          expect(inPieces(bytes, pieceBytes), changed).toEqual(atOnceBy(bytes));
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it.each([
    '[1,2,3,]',
    '[,1]',
    '[1,,2]',
    '[[1,2,3][4,5,6]]',
    '[[1,2,3] 4]',
    '[[1,2,3],4',
    '{"a":[1,2,3],}',
    '{"a":[1,2,3] "b":1}',
    '{"a" [1,2,3]}',
    '{[1,2,3]}',
    '{"a":1,"b":[1,2,3]]',
    '[1,2,3]]',
    '[1,2,3],4',
    '[1,2,3] []',
    'x[1,2,3]',
    '[1,"a',
    '["a\\',
    ',',
    ']',
    '',
    '[1,2,\u{feff}3]',
  ])('%s is refused', (text) => {
    for (const pieceBytes of [1, 2, 3, 5, 8, 1_000]) expect(inPieces(Buffer.from(text), pieceBytes)).toBe('refused');
  });

  it('keeps the last of equal keys, names of Object.prototype and a byte order mark apart', () => {
    const text = '\u{feff}{"a":[1,2],"__proto__":{"b":[3,4]},"a":5,"constructor":[6,7],"c":{"a":1},"c":{"b":[8,9]}}';
    for (const pieceBytes of [1, 4, 16, 1_000]) {
      const value = atOnce(parseJson(Buffer.from(text), pieceBytes)) as Record<string, unknown>;
      expect(Object.keys(value)).toEqual(['a', '__proto__', 'constructor', 'c']);
      expect(JSON.stringify(value)).toBe('{"a":5,"__proto__":{"b":[3,4]},"constructor":[6,7],"c":{"b":[8,9]}}');
    }
  });

  it('bytes that are not UTF-8 are refused in every piece, and so is nesting without end', () => {
    const bad = Buffer.concat([Buffer.from('[1,2,3,"'), Buffer.from([0xff]), Buffer.from('"]')]);
    for (const pieceBytes of [1, 4, 1_000]) expect(inPieces(bad, pieceBytes)).toBe('refused');
    const deep = Buffer.from('['.repeat(1_000_000));
    expect(() => atOnce(parseJson(deep))).toThrow(RangeError);
  });

  it.each([
    ['"', '"'],
    ['["', '"]'],
    ['[1,2 , "', '" ,3]'],
    ['{"a":"', '"}'],
    ['{"a":1,"b" : "', '","c":[1,2]}'],
    ['{"a":{"b":["', '"]},"c":"d"}'],
    ['{"', '":1,"b":2}'],
    ['[1 "', '"]'],
    ['{"a" "', '"}'],
    ['{"a":["x"] "', '"}'],
    ['{"a":1,"b":2 "', '":3}'],
  ])('%s… a long text …%s is read as JSON.parse reads it', (before, after) => {
    const unit = fc.constantFrom(
      'a',
      'é',
      '\u20ac',
      '\u{1f600}',
      '\\n',
      '\\"',
      '\\\\',
      '\\u00e9',
      '\\ud83d\\ude00',
      '\\u',
      '\\x',
      '\n',
      '"',
    );
    const usual = fc.constantFrom('a', 'é', '\u20ac', '\u{1f600}', '\\n', '\\"', '\\\\', '\\u00e9', '\\ud83d\\ude00');
    const text = fc.oneof(
      { weight: 4, arbitrary: fc.string({ unit: usual, maxLength: 150, size: 'max' }) },
      fc.string({ unit, maxLength: 150, size: 'max' }),
    );
    fc.assert(
      fc.property(text, PIECE, (long, pieceBytes) => {
        const bytes = Buffer.from(before + long + after);
        expect(inPieces(bytes, pieceBytes)).toEqual(atOnceBy(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('reads a text of many megabytes in pieces, and refuses a name of that length', () => {
    const long = 'x'.repeat(8 * 2 ** 20);
    const bytes = Buffer.from(JSON.stringify({ body: { text: long }, more: [1] }));
    using parse = vi.spyOn(JSON, 'parse');
    const value = atOnce(parseJson(bytes));
    const longest = Math.max(...parse.mock.calls.map(([text]) => text.length));
    expect(longest).toBeLessThan(200_000);
    expect(plain(value)).toEqual({ body: { text: long }, more: [1] });
    expect(() => atOnce(parseJson(Buffer.from(JSON.stringify({ [long]: 1 }))))).toThrow(RangeError);
  });

  it('reads a large text in many steps', () => {
    const list = Array.from({ length: 20_000 }, (_, i) => ({
      name: `point ${i}`,
      attributes: [{ key: 'a', value: i }],
    }));
    const bytes = Buffer.from(JSON.stringify({ list }));
    const work = parseJson(bytes);
    let steps = 0;
    for (;;) {
      const { done, value } = work.next();
      if (done === true) {
        expect(plain(value)).toEqual({ list });
        break;
      }
      steps += 1;
    }
    expect(steps).toBeGreaterThan(10);
  });
});

/** Lines of JSON come out the same, however their bytes are cut into chunks: as each line by itself gives them. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { JsonLines, MAX_LINE_BYTES, type ParsedLine } from '../../../../src/monitor/ingest/lines/json-lines.ts';

/** One line after the other. */
function plainly(bytes: Buffer): ParsedLine[] {
  const lines: ParsedLine[] = [];
  const texts = bytes.toString('latin1').split('\n');
  for (const [at, latin] of texts.entries()) {
    const one = Buffer.from(latin, 'latin1');
    if (one.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue;
    const number = at + 1;
    if (one.length > MAX_LINE_BYTES) {
      lines.push({ number, json: undefined, fault: `the line is longer than ${MAX_LINE_BYTES} bytes` });
      continue;
    }
    try {
      const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(one));
      lines.push({ number, json, fault: undefined });
    } catch {
      lines.push({ number, json: undefined, fault: 'the line is not JSON in UTF-8' });
    }
  }
  return lines;
}

function inChunks(bytes: Buffer, sizes: readonly number[]): ParsedLine[] {
  const reader = new JsonLines();
  const found: ParsedLine[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    found.push(...reader.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return [...found, ...reader.end()];
}

const mark = '\uFEFF';
const part = fc.oneof(
  fc.constantFrom('{"a":1}', '{"ü":"漢"}', ' {"b":[1,2]}\r', '', ' \t\r', '{', '1],[2', '"x"', `${mark}{"c":1}`, mark),
  fc.constantFrom(`{"d":"${mark}"}`, '{"__proto__":1}', '{"a":1},{"b":2}', '\u2028', '{"e":"\\ud800"}'),
);
const broken = fc.constantFrom(Buffer.of(0xff), Buffer.of(0xc3), Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0));
const pieces = fc.oneof(
  { weight: 8, arbitrary: part.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: broken },
);

it('whatever the lines and the chunks are', () => {
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 8 }),
      fc.boolean(),
      (lines, sizes, ends) => {
        const bytes = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\n')]));
        const whole = ends ? bytes : bytes.subarray(0, -1);
        expect(inChunks(whole, sizes)).toEqual(plainly(whole));
      },
    ),
    { numRuns: 1_000 },
  );
});

it('with a line over the limit among them, in chunks of any length', () => {
  const long = `{"x":"${'y'.repeat(MAX_LINE_BYTES)}"}`;
  const bytes = Buffer.from(['{"a":1}', long, '{"b":2}', '{"c":3}'].join('\n'));
  const expected = plainly(bytes);
  expect(expected.map(({ number, fault }) => [number, fault !== undefined])).toEqual([
    [1, false],
    [2, true],
    [3, false],
    [4, false],
  ]);
  for (const size of [1_000, 65_536, bytes.length])
    expect(inChunks(bytes, Array(Math.floor(bytes.length / size)).fill(size) as number[])).toEqual(expected);
});

import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { barOf, labelOf } from '../../src/page/traces/span-bar.ts';

describe('the label of a bar', () => {
  it.each([
    ['beside it', 0, 100, 'right'],
    ['before it, at the end of the trace', 880, 20, 'left'],
    ['inside it, where it fills the lane', 0, 990, 'inside'],
  ])('stands %s', (_, from, long, side) => {
    expect(labelOf(barOf(from, long, 1_000, 400), 400, '350 ms', '350 ms').side).toBe(side);
  });

  it('leaves out a word that has no room in the lane of a phone', () => {
    const bar = barOf(130, 350, 912, 148);
    expect(labelOf(bar, 148, '350 ms failed', '350 ms')).toEqual({ text: '350 ms', side: 'right' });
    expect(labelOf(barOf(130, 350, 912, 600), 600, '350 ms failed', '350 ms').text).toBe('350 ms failed');
  });

  it('never begins before the lane nor ends after it', () => {
    const part = integer({ min: 0, max: 1_000 });
    assert(
      property(part, part, integer({ min: 140, max: 900 }), (from, long, room) => {
        const bar = barOf(from, Math.min(long, 1_000 - from), 1_000, room);
        const { text, side } = labelOf(bar, room, '350 ms failed', '350 ms');
        const px = text.length * 6;
        const starts = { right: bar.x + bar.width + 6, left: bar.x - 6 - px, inside: bar.x + bar.width / 2 - px / 2 }[
          side
        ];
        return starts >= 0 && starts + px <= room;
      }),
    );
  });
});

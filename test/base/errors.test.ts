/** An error as one text: two sentences, whether or not its message ends like one. */
import { expect, it } from 'vitest';
import { VitrineError } from '../../src/base/errors.ts';

it.each([
  ['the disk is full', 'Free space', 'the disk is full. Free space'],
  ['The disk is full.', 'Free space.', 'The disk is full. Free space.'],
  ['Is it full?', 'Look.', 'Is it full? Look.'],
  ['the disk is full', undefined, 'the disk is full'],
])('%s + %s', (message, hint, told) => {
  expect(new VitrineError('storage_full', message, hint === undefined ? {} : { hint }).told).toBe(told);
});

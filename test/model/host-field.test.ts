import { describe, expect, it } from 'vitest';
import { isHostField } from '../../src/model/text/host-field.ts';

describe('the Host field', () => {
  it.each([
    'a',
    'a.example:80',
    '127.0.0.1:65535',
    '[::1]:8080',
    '[::ffff:10.0.0.1]',
    'a_b.example',
    "a!$&'()*+,;=b",
    '%41',
  ])('is one host: %s', (value) => expect(isHostField(value)).toBe(true));

  it.each([
    '',
    ' ',
    'a b',
    'user@a',
    'a/b',
    'a:',
    'a:65536',
    'a:123456',
    'a:b',
    '[::1',
    '::1',
    'a?b',
    'a#b',
    'a\\b',
    'ä',
    'x'.repeat(300),
  ])('is no host: %j', (value) => expect(isHostField(value)).toBe(false));
});

import { expect, it } from 'vitest';
import { bearerOf, isLoopback, sameSecret } from '../../src/model/exposure.ts';

it('takes for loopback only what no other machine can reach', () => {
  expect(
    ['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].filter((host) => !isLoopback(host)),
  ).toEqual([]);
  const reachable = [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.example',
    '127.0.0.1.example',
    '::ffff:10.0.0.1',
    '::2',
    '',
    'x',
  ];
  expect(reachable.filter(isLoopback)).toEqual([]);
});

it('knows a token from another, whatever the lengths', () => {
  expect(sameSecret('a', 'a')).toBe(true);
  expect([sameSecret('a', 'b'), sameSecret('a', ''), sameSecret('a', 'aa')]).toEqual([false, false, false]);
});

it('reads the token of the one scheme there is', () => {
  expect(bearerOf('bearer  a.b')).toBe('a.b');
  expect([bearerOf(undefined), bearerOf(''), bearerOf('Bearer'), bearerOf('Basic YTpi')]).toEqual(
    Array(4).fill(undefined),
  );
});

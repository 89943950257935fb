/** Random filters over a small vocabulary, so that many of them match some of the random records of `random-records.ts`. */
import * as fc from 'fast-check';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const word = fc.constantFrom(
  'card',
  'Card',
  'declined',
  'card-declined',
  'time*',
  '*out',
  'de*ed',
  'GET',
  '/api/*',
  '42',
  'größe',
  '*',
  'foo_bar',
  ID,
  '550E8400-E29B-41D4-A716-446655440000',
);
const phrase = fc.constantFrom('card declined', 'a "b"', 'or', String.raw`x\y`, 'de*ed', 'timeout', ID).map(quoted);
const name = fc.constantFrom(
  'service',
  'level',
  'status',
  'duration',
  'method',
  'kind',
  'path',
  'user.id',
  'n',
  'size',
  'took_ms',
  'at',
  'tags',
  'trace',
  'name',
  'absent',
  '"odd name"',
  'time',
  'req.method',
  'version',
);
const plain = fc.constantFrom(
  'checkout',
  'cart',
  'c*',
  '*',
  'warn',
  'ERROR',
  '500',
  '5xx',
  '404',
  'get',
  'GET',
  '/health',
  '/api/*',
  '42',
  '4*',
  '1..100',
  '100ms..2s',
  'warn..fatal',
  '1KiB..2MiB',
  'now-2h..now',
  'a..b',
  '-1',
  '1.5',
  ID,
  'server',
);
const compared = fc.tuple(
  fc.constantFrom('>', '>=', '<', '<='),
  fc.constantFrom('5', '42', '200ms', '1.5s', '64KiB', 'warn', 'error', 'now-1h', '2026-11-30T11:30:00Z', '-3', '500'),
);
const regex = fc.constantFrom('^c', 'o.t$', String.raw`\d+`, '(?i)CARD', 'x|y').map((source) => `~${quoted(source)}`);

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, String.raw`\$&`)}"`;
}

const value = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 3, arbitrary: compared.map((parts) => parts.join('')) },
  regex,
  phrase,
  fc.array(plain, { minLength: 1, maxLength: 3 }).map((all) => `(${all.join(' or ')})`),
);
const term = fc.oneof({ weight: 2, arbitrary: word }, phrase, {
  weight: 4,
  arbitrary: fc.tuple(name, value).map((parts) => parts.join(':')),
});

/** Texts that the grammar reads; some name values that their field does not take. */
export const filterText: fc.Arbitrary<string> = fc.letrec<{ node: string; unary: string }>((tie) => ({
  unary: fc.oneof(
    { maxDepth: 3 },
    { weight: 5, arbitrary: term },
    tie('node').map((inner) => `(${inner})`),
    tie('node').map((inner) => `-(${inner})`),
    term.map((inner) => `-${inner}`),
    term.map((inner) => `not ${inner}`),
  ),
  node: fc.oneof(
    { maxDepth: 3 },
    tie('unary'),
    fc.tuple(tie('unary'), fc.constantFrom(' ', ' and ', ' or ', ' OR '), tie('unary')).map((parts) => parts.join('')),
    fc
      .tuple(tie('unary'), fc.constantFrom(' ', ' or '), tie('unary'), fc.constantFrom(' ', ' or '), tie('unary'))
      .map((parts) => parts.join('')),
  ),
})).node;

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { settingsFrom } from '../../../../src/app/process/settings.ts';
import { literalText, substitute } from '../../../../src/config/env-overlay.ts';
import { fileForm, savedNames } from '../../../../src/monitor/targets/config/saved-names.ts';

/** `token` is also a variable here; SECRET is one that no text of a target may take in. */
const env = { token: 'from outside', SECRET: 'inner', id: 'outer' };
const read = (targets: readonly object[]) =>
  settingsFrom(stringify({ targets }), { env }).targets.list.map((one) => JSON.parse(JSON.stringify(one)) as object);

const pay = {
  name: 'pay',
  steps: [
    { url: 'http://shop.test/login', save: { token: '$.token' } },
    { url: 'http://shop.test/pay/${token}', headers: { authorization: 'Bearer ${token}' }, body: '{"a":"${token}"}' },
  ],
};

test('the steps of the documented file share their values, whatever the environment has', () => {
  expect(read([pay])).toEqual([pay]);
  expect(savedNames(pay)).toEqual(['token']);
  // In other targets and for other names it is a variable.
  const other = { name: 'other', url: 'http://shop.test/${id}' };
  expect(read([pay, other])).toEqual([pay, { ...other, url: 'http://shop.test/outer' }]);
  const missing = { ...pay, name: 'x', steps: [...pay.steps, { url: 'http://shop.test/${tokn}' }] };
  expect(() => read([missing])).toThrow('the variable tokn is not set and has no default');
});

test('a target that is written out is read as the same target, with dollars of every kind', () => {
  const odd = {
    name: '$$ ${SECRET} ${SECRET:-x} $',
    url: 'http://shop.test/',
    body: '${token} $${token} $$${SECRET}',
    expect: { body: '^a$$|b${', json: '$.a[0] == "$$"' },
  };
  const steps = {
    name: 'more',
    steps: [...pay.steps, { url: 'http://shop.test/', body: '${token}$${token}${SECRET}$$' }],
  };
  const written = [pay, odd, steps].map(fileForm);
  expect(read(written)).toEqual([pay, odd, steps]);
  // A text that needs nothing stays as it was written.
  expect(parse(stringify(written[0]))).toEqual(pay);
});

test('what is written out is read back, for any text', () => {
  const pieces = fc.array(fc.constantFrom('$', '{', '}', 'token', 'SECRET', ':-', 'a', ' '), { maxLength: 12 });
  const own = new Set(['token']);
  fc.assert(
    fc.property(pieces, (parts) => {
      const text = parts.join('');
      const missing = (): void => expect.fail('a variable was looked for');
      expect(substitute(literalText(text), env, missing)).toBe(text);
      expect(substitute(literalText(text, own), env, missing, own)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});

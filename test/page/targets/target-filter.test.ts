import { expect, test } from 'vitest';
import { groupsIn, isShown, worstFirst, type Wanted } from '../../../src/page/targets/target-filter.ts';
import { certificateOf, dayMarks, dayText, statusOf, upText, wordOf } from '../../../src/page/targets/target-words.ts';
import { fakeTargets } from '../../support/page/fake-target-routes.ts';

const NOW = Date.now();
const targets = fakeTargets(NOW);
const one = (name: string) => targets.find(({ id }) => id === name) ?? targets[0];
const all: Wanted = { q: '', show: '', owner: '', group: '' };
const shown = (more: Partial<Wanted>) =>
  targets.filter((target) => isShown(target, { ...all, ...more })).map(({ id }) => id);

test('search, state, owner, group and tag', () => {
  expect(shown({})).toHaveLength(targets.length);
  expect(shown({ q: 'BANK example' })).toEqual(['bank-api']);
  expect(shown({ q: 'net dns' })).toEqual(['resolver']);
  expect(shown({ show: 'down' })).toEqual(['bank-api']);
  expect(shown({ show: 'up' })).not.toContain('bank-api');
  expect(shown({ owner: 'competitors' })).toEqual(['rival']);
  expect(shown({ owner: 'own' })).not.toContain('rival');
  expect(shown({ group: 'net' })).toEqual(['resolver']);
  expect(shown({ group: 'eu' })).not.toContain('rival');
  expect(groupsIn(targets)).toEqual(['eu', 'net', 'web']);
});

test('what is down comes first, what pages before what is held back, what is off last', () => {
  const off = { ...one('shop'), id: 'off', enabled: false };
  const held = { ...one('bank-api'), id: 'held', name: 'a', cause: 'resolver' };
  const late = { ...one('nightly-backup'), id: 'late', state: 'down' } as const;
  const order = worstFirst([off, held, ...targets, late]).map(({ id }) => id);
  expect(order.slice(0, 3)).toEqual(['bank-api', 'late', 'held']);
  expect(order.at(-1)).toBe('off');
});

test('states in words and shapes', () => {
  const bank = one('bank-api');
  expect([statusOf(bank), wordOf(bank)]).toEqual(['crit', expect.stringMatching(/^Down 3/)]);
  expect([statusOf(one('shop')), wordOf(one('shop'))]).toEqual(['ok', 'Healthy']);
  const held = { ...bank, cause: 'resolver' };
  expect([statusOf(held), wordOf(held)]).toEqual(['affected', expect.stringMatching(/^Affected 3/)]);
  expect(wordOf({ ...bank, maintenance: true })).toBe('Maintenance');
  expect(wordOf({ ...bank, enabled: false })).toBe('Off');
  expect(wordOf({ ...bank, state: 'unknown' })).toBe('No data');
  expect(statusOf({ ...bank, state: 'unknown' })).toBe('unknown');
  const late = { ...one('nightly-backup'), state: 'down', since: null } as const;
  expect([statusOf(late), wordOf(late)]).toEqual(['warn', 'Late']);
});

test('certificates warn below 14 days and are critical below 3', () => {
  const at = (days: number) =>
    certificateOf({ ...one('shop'), certificate_expires: new Date(NOW + days * 86_400_000).toISOString() }).tone;
  expect([at(15), at(13), at(2), at(-1)]).toEqual(['', 'warn', 'crit', 'crit']);
  expect(certificateOf({ ...one('shop'), certificate_expires: null })).toEqual({ text: 'no TLS', tone: '' });
});

test('days as marks, and figures that are never rounded up', () => {
  const part = (availability: number | null, down_seconds: number) => ({
    from: '',
    to: '',
    availability,
    down_seconds,
  });
  const answer = { parts: [part(null, 0), part(1, 0), part(0.999, 60), part(0.5, 43_200)] };
  expect(dayMarks(answer)).toEqual(['unknown', 'up', 'warn', 'down']);
  expect(dayText(answer)).toBe('2 of 4 days with an outage');
  expect([upText(null), upText(1), upText(0.999_999)]).toEqual(['–', '100 %', '99.99 %']);
});

import { expect, test } from 'vitest';
import { parseFilter } from '../../../src/monitor/search/parser.ts';
import {
  badFilter,
  paceText,
  percentText,
  stateWord,
  statusOf,
  worstFirst,
} from '../../../src/page/slo/objective-text.ts';
import { fakeObjectives } from '../../support/page/fake-target-routes.ts';

const [checkout, shop, fresh] = fakeObjectives(Date.now());
const length = (ms: number): string => `${Math.round(ms / 3_600_000)} h`;

test('states by breach, burn and what is left', () => {
  expect([checkout, shop, fresh].map(statusOf)).toEqual(['crit', 'ok', 'unknown']);
  expect(statusOf({ ...shop, breached: true })).toBe('crit');
  expect(statusOf({ ...shop, burn_rate: 3 })).toBe('warn');
  expect(statusOf({ ...shop, budget_left: 0.05 })).toBe('warn');
  expect([checkout, shop, fresh].map(stateWord)).toEqual(['burning', 'kept', 'no data']);
  expect(stateWord({ ...shop, breached: true })).toBe('missed');
  expect(worstFirst([fresh, shop, checkout]).map(({ name }) => name)).toEqual(['checkout', 'shop-up', 'fresh']);
});

test('the pace says when the budget ends', () => {
  expect(paceText(checkout, length)).toBe('gone in 18 h');
  expect(paceText(shop, length)).toBe('lasts');
  expect(paceText(fresh, length)).toBe('–');
  expect(paceText({ ...checkout, budget_left: -0.1 }, length)).toBe('spent');
});

test('a figure is never rounded up to the promise', () => {
  expect([percentText(0.999_999_9), percentText(0.999), percentText(1), percentText(null)]).toEqual([
    '99.9999 %',
    '99.9 %',
    '100 %',
    '–',
  ]);
});

test('bad events are those that count and are not good', () => {
  expect(badFilter({ total: 'route:/api/*', good: 'status:<500 duration:<300ms' })).toBe(
    '(route:/api/*) NOT (status:<500 duration:<300ms)',
  );
  expect(badFilter({ total: ' ', good: 'status:<500' })).toBe('NOT (status:<500)');
  expect(() => parseFilter(badFilter({ total: 'a:1 OR b:2', good: 'status:<500' }))).not.toThrow();
});

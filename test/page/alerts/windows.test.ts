import { expect, it } from 'vitest';
import { cronText, windowFrom } from '../../../src/page/alerts/mutes/window-fields.ts';

const form = (fields: Readonly<Record<string, string>>, days: readonly string[] = []): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  for (const day of days) data.append('days', day);
  return data;
};
const COMMON = { name: ' backup ', comment: 'why' };
const AGAIN = { ...COMMON, zone: 'Europe/Berlin', for: '2h' };

it('makes of the form what the API takes', () => {
  const made = (...given: Parameters<typeof form>): object => windowFrom(form(...given), ['a="b"'], Date.parse);
  const common = { name: 'backup', matchers: ['a="b"'], comment: 'why' };
  expect(made({ ...COMMON, kind: 'once', from: '1970-01-01T00:00:01Z', to: '1970-01-01T00:00:02Z' })).toEqual({
    ...common,
    once: { from: 1_000, to: 2_000 },
  });
  const again = { ...common, zone: 'Europe/Berlin', for: '2h' };
  expect(made({ ...AGAIN, kind: 'weekly', at: '02:30' }, ['1', '0'])).toEqual({
    ...again,
    weekly: { days: [1, 0], at: '02:30' },
  });
  expect(made({ ...AGAIN, kind: 'cron', cron: '30 2 * * 0' })).toEqual({ ...again, cron: '30 2 * * 0' });
});

it.each([
  ['30 2 * * 0,1', 'Mon, Sun 02:30, UTC'],
  ['5 14 * * 0,1,2,3,4,5,6', 'every day 14:05, UTC'],
  ['30 2 1 * *', '30 2 1 * *, UTC'],
  ['*/5 2 * * 1', '*/5 2 * * 1, UTC'],
])('reads %s as %s', (cron, text) => {
  expect(cronText({ cron, zone: 'UTC' })).toBe(text);
});

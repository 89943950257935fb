import { expect, test } from 'vitest';
import { newNotice, noticeUpdate } from '../../../src/monitor/api/status/forms.ts';
import { noticeFrom, updateFrom } from '../../../src/page/status/notice-fields.ts';

function formOf(fields: readonly (readonly [string, string])[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

test('an incident as the API takes it', () => {
  const sent = noticeFrom(
    formOf([
      ['kind', 'incident'],
      ['title', ' Cards '],
      ['impact', 'outage'],
      ['components', 'Shop'],
      ['components', 'Pay'],
      ['text', 'We look.'],
    ]),
    '',
  );
  expect(sent).toEqual({
    kind: 'incident',
    title: 'Cards',
    impact: 'outage',
    components: ['Shop', 'Pay'],
    text: 'We look.',
  });
  expect(newNotice.safeParse(sent).success).toBe(true);
});

test('maintenance has times, and an alert names what is not chosen', () => {
  const planned = noticeFrom(
    formOf([
      ['kind', 'maintenance'],
      ['title', 'Disks'],
      ['start', '2027-01-15T08:00'],
      ['end', 'none'],
    ]),
    '',
  );
  expect(planned).toEqual({
    kind: 'maintenance',
    title: 'Disks',
    text: '',
    components: [],
    start: new Date('2027-01-15T08:00').getTime(),
  });
  const alert = '0123456789abcdef';
  const sent = noticeFrom(
    formOf([
      ['kind', 'incident'],
      ['impact', 'degraded'],
    ]),
    alert,
  );
  expect(sent).toEqual({ kind: 'incident', text: '', impact: 'degraded', alert });
  expect(newNotice.safeParse(sent).success).toBe(true);
});

test('an update, with and without an effect', () => {
  const stage = ['stage', 'resolved'] as const;
  expect(noticeUpdate.parse(updateFrom(formOf([stage])))).toEqual({ stage: 'resolved', text: '' });
  expect(updateFrom(formOf([stage, ['impact', 'none']]))).toEqual({ stage: 'resolved', text: '', impact: 'none' });
});

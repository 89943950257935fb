import { expect, test } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { Notices } from '../../../src/monitor/status/notices.ts';
import { HAND, HOUR, incident, NOW, statusRig } from './rig.ts';

const page = { components: [{ name: 'Shop', targets: ['shop'] }] };
const first = { atMs: NOW, stage: 'investigating', text: 'We look.' } as const;

test('an incident is written, updated, resolved, opened again and read after a restart', async () => {
  await using rig = statusRig(page);
  const { id } = await rig.notices.create(incident(), first, HAND, NOW);
  await rig.notices.update(id, { atMs: NOW + 1, stage: 'identified', text: 'The disk.' }, 'outage');
  const resolved = await rig.notices.update(id, { atMs: NOW + HOUR, stage: 'resolved', text: '' });
  expect(resolved).toMatchObject({ impact: 'outage', endMs: NOW + HOUR, createdBy: 'ada' });
  expect(new Notices(rig.state).get(id)).toEqual(resolved);
  const again = await rig.notices.update(id, { atMs: NOW + 2 * HOUR, stage: 'monitoring', text: 'Not yet.' });
  expect(again).toMatchObject({ endMs: null, updates: [{ stage: 'investigating' }, {}, {}, { stage: 'monitoring' }] });
  await rig.notices.edit(id, { title: 'Another title' });
  expect(rig.notices.get(id).title).toBe('Another title');
  await rig.notices.remove(id);
  expect(() => rig.notices.get(id)).toThrow(VitrineError);
  expect(new Notices(rig.state).all()).toEqual([]);
});

test('maintenance that ends early is over then; one that has ended keeps its length', async () => {
  await using rig = statusRig(page);
  const planned = incident({ kind: 'maintenance', startMs: NOW, endMs: NOW + 4 * HOUR });
  const { id } = await rig.notices.create(planned, first, HAND, NOW);
  expect(await rig.notices.update(id, { atMs: NOW + 1, stage: 'underway', text: '' })).toMatchObject({
    endMs: NOW + 4 * HOUR,
  });
  expect(await rig.notices.update(id, { atMs: NOW + HOUR, stage: 'resolved', text: '' })).toMatchObject({
    endMs: NOW + HOUR,
  });
  expect(await rig.notices.update(id, { atMs: NOW + 9 * HOUR, stage: 'resolved', text: '' })).toMatchObject({
    endMs: NOW + HOUR,
  });
});

test('a change that the disk refuses is not in memory either', async () => {
  await using rig = statusRig(page);
  const { id } = await rig.notices.create(incident(), first, HAND, NOW);
  const { version } = rig.notices;
  rig.state.db.exec('PRAGMA query_only = ON');
  await expect(rig.notices.update(id, { atMs: NOW, stage: 'resolved', text: '' })).rejects.toThrow(/readonly/);
  await expect(rig.notices.create(incident(), first, HAND, NOW)).rejects.toThrow(/readonly/);
  await expect(rig.notices.remove(id)).rejects.toThrow(/readonly/);
  expect(rig.notices.all()).toMatchObject([{ id, endMs: null }]);
  expect(rig.notices.version).toBe(version);
  rig.state.db.exec('PRAGMA query_only = OFF');
});

test('beyond the limit the oldest that is over gives way, and one that goes on never does', async () => {
  await using rig = statusRig(page);
  const notices = new Notices(rig.state, 5);
  await notices.create(incident({ startMs: NOW - 100 * HOUR }), first, HAND, NOW);
  const over = (at: number) => incident({ title: String(at), startMs: NOW - at * HOUR, endMs: NOW });
  for (const at of [1, 2, 3, 4, 0]) await notices.create(over(at), first, HAND, NOW);
  expect(notices.all().map(({ title }) => title)).toEqual(['0', '1', '2', '3', 'Card payments fail']);
  expect(notices.removed).toBe(1);
  expect(new Notices(rig.state).all()).toEqual(notices.all());
  for (const { id } of notices.all()) await notices.edit(id, { endMs: null });
  await expect(notices.create(over(0), first, HAND, NOW)).rejects.toMatchObject({ code: 'conflict' });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import { Maintenance, type MaintenanceWindow } from '../../../src/monitor/alerts/notify/state/maintenance.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import { announcedWindows } from '../../../src/monitor/status/announced.ts';
import { openStateDatabase, type StateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { HOSTILE } from './hostile.ts';
import { DAY, down, HAND, HOUR, incident, NOW, statusRig, up, type Rig } from './rig.ts';

const page = {
  url: 'https://status.example',
  components: [
    { name: 'Shop', targets: ['inner shop'] },
    { name: 'Pay', targets: ['inner pay', 'inner bank'] },
  ],
};
let dir: string;
let state: StateDatabase;
let maintenance: Maintenance;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'announced-'));
  state = openStateDatabase({ dir, owners: [NOTIFY_OWNER], clock: new FastClock(NOW), logger: recordingLogger() });
  maintenance = new Maintenance(state);
});
afterEach(async () => {
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

/** The windows of the store on a page; the targets `missing` do not exist. */
function announcing(rig: Rig, missing: readonly string[] = []): void {
  const labels = (target: string) =>
    missing.includes(target) ? undefined : Labels.from({ alertname: 'TargetDown', target, group: 'web' });
  rig.windows.make = (nowMs) => announcedWindows(rig.config, { maintenance, labels }, nowMs);
}
const about = (target: string, op: '=' | '=~' = '=') => [{ name: 'target', op, value: target }] as const;
const once = (name: string, target: string, more: Partial<MaintenanceWindow> = {}): MaintenanceWindow => ({
  name,
  matchers: about(target),
  schedule: { kind: 'once', fromMs: NOW + HOUR, toMs: NOW + 3 * HOUR },
  createdBy: 'ada',
  createdMs: NOW - HOUR,
  comment: 'inner words',
  ...more,
});
const told = (rig: Rig) =>
  rig.publisher
    .view()
    .notices.map(({ title, phase, startMs, endMs }) => [title, phase, startMs - NOW, (endMs ?? 0) - NOW]);

test('a window is announced on page, feed and export, with names of components only', async () => {
  await using rig = statusRig(page);
  announcing(rig);
  await maintenance.set(once('inner-window', 'inner pay'));
  await maintenance.set(once('other', 'a target that is on no page'));
  expect(told(rig)).toEqual([['Maintenance of Pay', 'planned', HOUR, 3 * HOUR]]);
  const files = rig.publisher.texts();
  const [{ id }] = rig.publisher.view().notices;
  expect(files.get('index.html')).toMatch(/<h2>Planned<\/h2>.*Maintenance of Pay/s);
  expect(files.get('feed.atom')).toContain('<title type="text">Planned: Maintenance of Pay</title>');
  expect(files.get('feed.atom')).toContain(`<updated>${new Date(NOW - HOUR).toISOString()}</updated>`);
  expect(files.get(`incidents/${id}.html`)).toContain('Maintenance of Pay');
  expect(JSON.parse(files.get('status.json') ?? '')).toMatchObject({
    incidents: [{ id, kind: 'maintenance', components: ['Pay'], phase: 'planned' }],
  });
  expect([...files].flat().join('')).not.toMatch(/inner|ada|on no page|other/);
});

test('it is planned, goes on and is done; the state of a component stays that of its checks', async () => {
  await using rig = statusRig(page);
  rig.targets.known.set('inner shop', up).set('inner pay', up).set('inner bank', down);
  announcing(rig);
  await maintenance.set(once('w', 'inner pay'));
  const phases = [];
  for (const atMs of [NOW, NOW + HOUR, NOW + 3 * HOUR, NOW + 92 * DAY]) {
    await rig.clock.moveTo(atMs);
    const { notices, components } = rig.publisher.view();
    phases.push([notices[0]?.phase, components[1].state]);
  }
  // The bank is down all the time, and is not in the window.
  expect(phases).toEqual([
    ['planned', 'degraded'],
    ['open', 'degraded'],
    ['over', 'degraded'],
    [undefined, 'degraded'],
  ]);
});

test('one that comes again shows its present opening only, in its zone; far ones wait', async () => {
  await using rig = statusRig(page);
  announcing(rig);
  // Sundays at 02:30 in Berlin; NOW is a Friday.
  const schedule = { kind: 'cron', cron: '30 2 * * 0', zone: 'Europe/Berlin', durationMs: HOUR } as const;
  await maintenance.set(once('weekly', 'inner shop', { schedule }));
  await maintenance.set(
    once('far', 'inner pay', { schedule: { kind: 'once', fromMs: NOW + 15 * DAY, toMs: NOW + 16 * DAY } }),
  );
  const sunday = Date.UTC(2027, 0, 17, 1, 30) - NOW;
  expect(told(rig)).toEqual([['Maintenance of Shop', 'planned', sunday, sunday + HOUR]]);
  const [{ id }] = rig.publisher.view().notices;
  await rig.clock.moveTo(NOW + sunday + HOUR / 2);
  expect(told(rig)).toEqual([
    ['Maintenance of Pay', 'planned', 15 * DAY, 16 * DAY],
    ['Maintenance of Shop', 'open', sunday, sunday + HOUR],
  ]);
  expect(rig.publisher.view().notices[1].id).toBe(id);
  await rig.clock.moveTo(NOW + sunday + HOUR);
  expect(told(rig)[1]).toEqual(['Maintenance of Shop', 'planned', sunday + 7 * DAY, sunday + 7 * DAY + HOUR]);
});

test('windows of the same components at the same time are one, and more components are counted', async () => {
  await using rig = statusRig({
    components: Array.from({ length: 5 }, (_, at) => ({ name: `Part ${at}`, targets: [`t${at}`] })),
  });
  announcing(rig, ['t4']);
  await maintenance.set(once('a', 't1'));
  await maintenance.set(once('b', 't1', { schedule: { kind: 'once', fromMs: NOW + HOUR, toMs: NOW + 9 * HOUR } }));
  await maintenance.set(once('c', 't.*', { matchers: about('t.*', '=~'), createdMs: undefined }));
  expect(told(rig).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toEqual([
    ['Maintenance of 4 components', 'planned', HOUR, 3 * HOUR],
    ['Maintenance of Part 1', 'planned', HOUR, 9 * HOUR],
  ]);
});

test('a window or the whole page can leave it', async () => {
  await using rig = statusRig(page);
  announcing(rig);
  await maintenance.set(once('quiet', 'inner shop', { announce: false }));
  expect(told(rig)).toEqual([]);
  await maintenance.set(once('quiet', 'inner shop', { announce: true }));
  expect(told(rig)).toHaveLength(1);
  await using silent = statusRig({ ...page, announce_maintenance: false });
  announcing(silent);
  expect(told(silent)).toEqual([]);
});

test('a thousand windows show the nearest fifty, and drive out no incident', async () => {
  await using rig = statusRig(page);
  announcing(rig);
  const first = { atMs: NOW, stage: 'investigating', text: '' } as const;
  for (let at = 0; at < 200; at += 1) await rig.notices.create(incident({ title: `I${at}` }), first, HAND, NOW);
  const at = (minute: number) => ({ kind: 'once', fromMs: NOW + minute * 60_000, toMs: NOW + 2 * HOUR }) as const;
  for (let one = 1; one <= 60; one += 1) await maintenance.set(once(`w${one}`, 'inner shop', { schedule: at(one) }));
  const { notices } = rig.publisher.view();
  expect(notices.filter(({ kind }) => kind === 'incident')).toHaveLength(200);
  const starts = notices.filter(({ kind }) => kind === 'maintenance').map(({ startMs }) => (startMs - NOW) / 60_000);
  expect(starts).toEqual(Array.from({ length: 50 }, (_, n) => 50 - n));
});

test('200 hostile names, comments and authors: none of the inside is published, and no text becomes markup', async () => {
  const names = [...new Set(HOSTILE)].slice(0, 100);
  await using rig = statusRig({
    title: HOSTILE[1],
    components: names.map((name, at) => ({ name, targets: [`SECRET ${HOSTILE[at]}`] })),
  });
  announcing(rig);
  for (const [at, text] of HOSTILE.entries()) {
    const matchers = about(`SECRET ${HOSTILE[at % 50]}`);
    const schedule = { kind: 'once', fromMs: NOW + (at + 1) * 60_000, toMs: NOW + 9 * HOUR } as const;
    const inner = `SECRET ${text}`;
    await maintenance.set(once(`SECRET-${at}`, '', { matchers, schedule, comment: inner, createdBy: inner }));
  }
  const { notices } = rig.publisher.view();
  expect(notices).toHaveLength(50);
  const published = new Set(names);
  expect(
    notices.every(({ components }) => components.length > 0 && components.every((name) => published.has(name))),
  ).toBe(true);
  for (const [name, text] of rig.publisher.texts()) {
    expect(text, name).not.toContain('SECRET');
    // JSON is no markup.
    if (!name.endsWith('.json'))
      expect(text, name).not.toMatch(/<script|<img|<iframe|<base|onerror="|<x\/|<details open/i);
  }
});

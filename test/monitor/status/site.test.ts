import { expect, test } from 'vitest';
import { slugsOf } from '../../../src/monitor/status/view.ts';
import { percentText } from '../../../src/monitor/status/words.ts';
import { DAY, down, HAND, HOUR, incident, NOW, statusRig, T, up } from './rig.ts';

const page = {
  title: 'Our status',
  components: [
    { name: 'Shop', description: 'The front', targets: ['shop'] },
    { name: 'Pay', targets: ['pay', 'bank'] },
  ],
};
const first = { atMs: NOW, stage: 'investigating', text: 'We look.\nMore soon.' } as const;
const json = (text: string | undefined) => JSON.parse(text ?? '') as { components: { days: object[] }[] };

test('states by checks, with incidents and maintenance above them', async () => {
  await using rig = statusRig(page);
  const states = () => {
    const { state, components } = rig.publisher.view();
    return [state, ...components.map((one) => one.state)];
  };
  expect(states()).toEqual(['unknown', 'unknown', 'unknown']);
  rig.targets.known.set('shop', up).set('pay', up).set('bank', down);
  expect(states()).toEqual(['degraded', 'up', 'degraded']);
  rig.targets.known.set('pay', down);
  expect(states()).toEqual(['outage', 'up', 'outage']);
  const maintained = { ...down, now: { state: 'down', maintenance: true } } as const;
  rig.targets.known.set('pay', maintained).set('bank', maintained);
  expect(states()).toEqual(['maintenance', 'up', 'maintenance']);
  rig.targets.known.set('pay', up).set('bank', down);
  const told = await rig.notices.create(incident({ impact: 'outage' }), first, HAND, NOW);
  expect(states()).toEqual(['outage', 'outage', 'degraded']);
  await rig.notices.edit(told.id, { impact: 'none' });
  expect(states()).toEqual(['degraded', 'up', 'degraded']);
  const work = incident({ kind: 'maintenance', components: ['Pay'], startMs: NOW, endMs: NOW + HOUR });
  await rig.notices.create(work, first, HAND, NOW);
  expect(states()).toEqual(['maintenance', 'up', 'maintenance']);
});

test('index, incidents, feed, badges and JSON', async () => {
  await using rig = statusRig(page);
  rig.targets.known.set('shop', down).set('pay', up).set('bank', up);
  const told = await rig.notices.create(incident(), first, HAND, NOW);
  const planned = incident({ kind: 'maintenance', title: 'Disks', startMs: NOW + HOUR, endMs: NOW + 2 * HOUR });
  await rig.notices.create(planned, first, HAND, NOW);
  await rig.notices.create(incident({ title: 'Old', startMs: NOW - 9 * DAY, endMs: NOW - 8 * DAY }), first, HAND, NOW);
  await rig.notices.create(
    incident({ title: 'Gone', startMs: NOW - 99 * DAY, endMs: NOW - 98 * DAY }),
    first,
    HAND,
    NOW,
  );
  const files = rig.publisher.texts();
  const index = files.get('index.html') ?? '';
  expect(index.match(/<rect/g)).toHaveLength(180);
  expect(index).toContain('Some systems are down');
  expect(index).toContain('15 Jan 2027: 87.500 %, down 1 h 0 min');
  expect(index).toContain('Days with an outage: 1');
  expect(index).toContain(`incidents/${told.id}.html`);
  expect(index).toContain('>Old<');
  expect(index).not.toContain('Gone');
  expect(files.get(`incidents/${told.id}.html`)).toContain('We look.\nMore soon.');
  const feed = files.get('feed.atom') ?? '';
  expect(feed.match(/<entry>/g)).toHaveLength(3);
  expect(feed).toContain('<title type="text">Planned: Disks</title>');
  expect(feed).toMatch(/<id>urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}<\/id>/);
  expect(files.get('badge/shop/state.svg')).toContain('Shop: down');
  expect(files.get('badge/pay/uptime/30d.svg')).toContain('Pay: 30d 100 %');
  const status = json(files.get('status.json'));
  expect(status).toMatchObject({
    title: 'Our status',
    state: 'outage',
    components: [
      { id: 'shop', state: 'outage' },
      { id: 'pay', state: 'up', uptime: { '90d': 1 } },
    ],
    incidents: [{ phase: 'planned' }, { phase: 'open', updates: [{ stage: 'investigating' }] }, { phase: 'over' }],
  });
  expect(status.components[0].days).toHaveLength(90);
  expect(status.components[0].days[89]).toMatchObject({ from: new Date(T).toISOString(), down_seconds: 3600 });
});

test('without a feed nothing names one, and an absolute address is used where it is known', async () => {
  await using silent = statusRig({ ...page, atom: false });
  const files = silent.publisher.texts();
  expect(files.has('feed.atom')).toBe(false);
  expect(files.get('index.html')).not.toContain('feed.atom');
  await using named = statusRig({ ...page, url: 'https://status.example/', zone: 'Asia/Tokyo' });
  const { id } = await named.notices.create(incident(), first, HAND, NOW);
  expect(named.publisher.texts().get('feed.atom')).toContain(`href="https://status.example/incidents/${id}.html"`);
  expect(named.publisher.texts().get('index.html')).toContain('17:00 GMT+9');
});

test('a component that is not published any more is left out of what was written about it', async () => {
  await using rig = statusRig(page);
  await rig.notices.create(incident({ components: ['Shop', 'Former'] }), first, HAND, NOW);
  expect([...rig.publisher.texts().values()].join('')).not.toContain('Former');
});

test('addresses are unique and made of letters', () => {
  expect(slugsOf(['Shop', 'shop!', 'Zahlung & Möbel', '漢字', '../x', 'component-4'])).toEqual([
    'shop',
    'shop-2',
    'zahlung-mo-bel',
    'component-4',
    'x',
    'component-4-2',
  ]);
});

test('an outage is never rounded away', () => {
  expect([percentText(0.9999999), percentText(1), percentText(null), percentText(0)]).toEqual([
    '99.999 %',
    '100 %',
    'no data',
    '0.000 %',
  ]);
});

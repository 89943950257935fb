import { PassThrough } from 'node:stream';
import type { Context } from 'koa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Alert } from '../../../src/model/alert.ts';
import { Labels } from '../../../src/model/labels.ts';
import { fingerprintOf } from '../../../src/monitor/alerts/notify/steps/fingerprint.ts';
import { findRoute, type Route } from '../../../src/monitor/api/routes.ts';
import type { NoticeJson, StatusExportJson, StatusJson } from '../../../src/monitor/api/status/contract.ts';
import { statusRoutes } from '../../../src/monitor/api/status/status-routes.ts';
import { HOUR, NOW, statusRig, up, type Rig } from '../status/rig.ts';

let rig: Rig;
let routes: Route[];
let alerts: Alert[];
const alert: Alert = {
  labels: Labels.from({ alertname: 'TargetDown', target: 'Pay Api' }),
  annotations: {},
  state: 'firing',
  activeAtMs: NOW - 2 * HOUR,
  firedAtMs: NOW - HOUR,
  value: 0,
  reason: 'inner reason',
};
const fingerprint = fingerprintOf(alert.labels);
const iso = (ms: number): string => new Date(ms).toISOString();

beforeEach(() => {
  rig = statusRig({
    components: [
      { name: 'Shop', targets: ['shop'] },
      { name: 'Pay', targets: ['pay-api', 'later'] },
    ],
  });
  rig.targets.known.set('shop', up).set('pay-api', up);
  alerts = [alert];
  routes = statusRoutes({ ...rig, address: 'http://127.0.0.1:4080', alerts: () => alerts });
});
afterEach(() => rig[Symbol.asyncDispose]());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const found = findRoute(routes, method, path);
  const req = Object.assign(new PassThrough(), { headers: {} });
  req.end(body === undefined ? '' : JSON.stringify(body));
  const ctx = { req, status: 404, request: { is: () => 'application/json' } } as unknown as Context;
  const answer: unknown = await found?.route.handler({
    ctx,
    params: found.params,
    query: new URLSearchParams(),
    who: 'ada',
  });
  return { status: ctx.status, body: answer };
}
const write = async (body: object): Promise<NoticeJson> =>
  (await call('POST', '/api/status/incidents', body)).body as NoticeJson;

test('an incident by hand, its updates, a correction and its end', async () => {
  const made = await call('POST', '/api/status/incidents', {
    title: ' Card \n payments fail ',
    components: ['Pay', 'Pay'],
    text: 'We look.',
  });
  const { id } = made.body as NoticeJson;
  expect(made).toMatchObject({
    status: 201,
    body: {
      title: 'Card payments fail',
      components: ['Pay'],
      impact: 'degraded',
      start: iso(NOW),
      end: null,
      phase: 'open',
      created_by: 'ada',
      updates: [{ stage: 'investigating', text: 'We look.', time: iso(NOW) }],
    },
  });
  await rig.clock.moveTo(NOW + HOUR);
  const path = `/api/status/incidents/${id}`;
  await call('POST', `${path}/updates`, { stage: 'resolved', text: 'Good again.', impact: 'outage' });
  expect((await call('GET', path)).body).toMatchObject({ phase: 'over', end: iso(NOW + HOUR), impact: 'outage' });
  const edited = await call('PUT', path, { title: 'Cards', start: 'now-3h', components: ['Shop'], impact: 'none' });
  expect(edited.body).toMatchObject({
    title: 'Cards',
    start: iso(NOW - 2 * HOUR),
    components: ['Shop'],
    impact: 'none',
  });
  expect((await call('PUT', path, { end: null })).body).toMatchObject({ phase: 'open', end: null });
  expect((await call('DELETE', path)).status).toBe(204);
  await expect(call('GET', path)).rejects.toMatchObject({ code: 'not_found' });
});

test('from an alert: its start, its component, no word of it in the title', async () => {
  const made = await write({ alert: fingerprint });
  expect(made).toMatchObject({
    title: 'Pay: disturbance',
    components: ['Pay'],
    start: iso(NOW - HOUR),
    alert: fingerprint,
    follow: true,
  });
  expect(await write({ alert: fingerprint, title: 'Ours', components: [], follow: false })).toMatchObject({
    title: 'Ours',
    components: [],
    follow: false,
  });
  alerts = [{ ...alert, labels: Labels.from({ alertname: 'Other' }), firedAtMs: undefined }];
  const other = await write({ alert: fingerprintOf(alerts[0].labels) });
  expect(other).toMatchObject({ title: 'Disturbance', components: [], start: iso(NOW - 2 * HOUR) });
  await expect(write({ alert: fingerprint })).rejects.toMatchObject({ code: 'not_found' });
});

test('maintenance has a start and an end', async () => {
  const planned = { kind: 'maintenance', title: 'Disks', components: ['Shop'] };
  await expect(write(planned)).rejects.toThrow('end: maintenance needs an end.');
  expect(await write({ ...planned, start: 'now+1h', end: NOW + 2 * HOUR })).toMatchObject({
    phase: 'planned',
    impact: 'none',
    updates: [{ stage: 'planned' }],
  });
  expect(await write({ title: 'Before', stage: 'resolved', start: 'now-2h' })).toMatchObject({
    phase: 'over',
    end: iso(NOW),
  });
});

test.each([
  [{}, 'title: an incident needs one'],
  [{ title: '  ' }, 'title: 1 to 200 characters'],
  [{ title: 'x'.repeat(201) }, 'title: 1 to 200 characters'],
  [{ title: '\u{d800}' }, 'title: 1 to 200 characters'],
  [{ title: 'x', text: '\u{d800}' }, 'text: well-formed text'],
  [{ title: 'x', text: 'x'.repeat(5_001) }, 'text: '],
  [{ title: 'x', components: ['pay-api'] }, 'there is no component "pay-api"'],
  [{ title: 'x', start: 'yesterday' }, 'start: not a time'],
  [{ title: 'x', start: '9999999999999999' }, 'start: more than a year ahead'],
  [{ title: 'x', end: 'now+1h' }, 'end: only a resolved incident has one'],
  [{ title: 'x', stage: 'resolved', end: 'now-1h' }, 'end: it lies before the start'],
  [{ title: 'x', alert: 'x' }, 'alert: the fingerprint of an alert'],
  [{ title: 'x', impact: 'huge' }, 'impact: '],
  [{ title: 'x', html: '<b>' }, 'incident: '],
])('refuses %j', async (body, message) => {
  await expect(write(body)).rejects.toThrow(message);
  expect(rig.notices.all()).toEqual([]);
});

test('the overview names targets for editors, and the export has what is public', async () => {
  const { body } = await call('GET', '/api/status');
  expect(body as StatusJson).toMatchObject({
    address: 'http://127.0.0.1:4080',
    components: [
      { name: 'Shop', slug: 'shop', state: 'up', targets: ['shop'], unknown_targets: [] },
      { name: 'Pay', targets: ['pay-api', 'later'], unknown_targets: ['later'] },
    ],
  });
  const { files } = (await call('GET', '/api/status/export')).body as StatusExportJson;
  expect(files.map(({ path }) => path)).toContain('badge/shop/uptime/90d.svg');
  expect(files.map(({ path }) => path)).not.toContain('404.html');
  expect(JSON.stringify(files)).not.toMatch(/pay-api|later|inner/);
});

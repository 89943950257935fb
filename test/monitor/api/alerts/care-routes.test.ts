/** Vitrine's own routes: care, silences with preview, maintenance windows, the ledger, and the test of a receiver. */
import type { GroupsAnswer, HistoryAnswer } from '../../../../src/monitor/api/alerts/contract.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
let api: AlertApi;
let id: string;
beforeEach(async () => {
  rig = await pipelineRig(
    'route: { receiver: a, group_wait: 10s }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }, { name: none }]\n',
  );
  api = await startAlertApi(rig);
  await rig.fire(
    '1',
    { host: 'x' },
    { annotations: { summary: 'it is down' }, value: 5, threshold: '> 4', reason: 'r' },
  );
  id = [...rig.pipeline.alerts.values()][0].fingerprint;
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});
const detail = async (): Promise<Record<string, unknown>> =>
  (await api.get(`/api/alerts/${id}`)).body as Record<string, unknown>;

describe('care', () => {
  it('acknowledges, assigns, snoozes and comments, each with an event', async () => {
    const act = (name: string, body?: object): ReturnType<AlertApi['send']> =>
      api.send('POST', `/api/alerts/${id}/${name}`, body);
    await act('ack', { by: 'ann' });
    await act('assign', { by: 'ann', to: 'bob' });
    await act('snooze', { by: 'bob', for: '10m' });
    await act('comment', { by: 'bob', text: 'looking' });
    expect(await detail()).toMatchObject({
      fingerprint: id,
      state: 'muted',
      value: 5,
      threshold: '> 4',
      care: {
        acknowledged: { by: 'ann', atMs: START },
        assignee: 'bob',
        snoozed: { by: 'bob', untilMs: START + 600_000 },
        comments: [{ by: 'bob', text: 'looking', atMs: START }],
      },
      routes: [{ key: '{}', receiver: 'a' }],
      groups: [{ key: '{}:{}', receiver: 'a', next_flush: new Date(START + 10_000).toISOString() }],
      muted_by: [{ kind: 'snooze', text: `snoozed by bob until ${new Date(START + 600_000).toISOString()}` }],
    });
    await act('unack');
    expect(rig.pipeline.care.of(id).acknowledged).toBeUndefined();
    expect(rig.events({ alert: id }).map(({ type }) => type)).toEqual([
      'vitrine_alert_unacknowledged',
      'vitrine_alert_commented',
      'vitrine_alert_snoozed',
      'vitrine_alert_assigned',
      'vitrine_alert_acknowledged',
      'alert_grouped',
      'alert_created',
    ]);
    expect(rig.events({ alert: id })[0]?.text).toContain('API from 127.0.0.1');
  });

  it('refuses what makes no sense', async () => {
    const status = async (path: string, body?: object): Promise<number> => (await api.send('POST', path, body)).status;
    expect(await status('/api/alerts/0000000000000000/ack')).toBe(404);
    expect(await status(`/api/alerts/${id}/snooze`, { until: '2001-01-01T00:00:00Z' })).toBe(400);
    expect(await status(`/api/alerts/${id}/snooze`, { for: '60d' })).toBe(400);
    expect(await status(`/api/alerts/${id}/snooze`, { for: 'long' })).toBe(400);
    expect(await status(`/api/alerts/${id}/comment`, { text: '' })).toBe(400);
    expect(await status(`/api/alerts/${id}/assign`, {})).toBe(400);
    expect((await api.get('/api/alerts/0000000000000000')).status).toBe(404);
  });

  it('forgets an acknowledgement when the alert fires anew', async () => {
    await api.send('POST', `/api/alerts/${id}/ack`, { by: 'ann' });
    await api.send('POST', `/api/alerts/${id}/comment`, { by: 'ann', text: 'kept' });
    await rig.resolve('1', { host: 'x' });
    await rig.advance(1);
    await rig.fire('1', { host: 'x' });
    expect(rig.pipeline.care.of(id)).toMatchObject({ comments: [{ text: 'kept' }] });
    expect(rig.pipeline.care.of(id).acknowledged).toBeUndefined();
  });
});

describe('silences', () => {
  it('show before they are made what they would mute', async () => {
    const body = { matchers: ['host="x"', 'id=~"1|2"'], duration: '2h', comment: 'c', created_by: 'ann' };
    const preview = await api.send('POST', '/api/silences', { ...body, dry_run: true });
    expect(preview.body).toMatchObject({ would_mute: [{ fingerprint: id }] });
    expect((await api.get('/api/silences')).body).toEqual({ silences: [] });
    const made = (await api.send('POST', '/api/silences', body)).body as { silence: { id: string; endsAt: string } };
    expect(made.silence.endsAt).toBe(new Date(START + 7_200_000).toISOString());
    expect((await api.get('/api/silences')).body).toMatchObject({
      silences: [{ id: made.silence.id, createdBy: 'ann', mutes: [{ fingerprint: id }] }],
    });
    expect(await detail()).toMatchObject({
      state: 'muted',
      muted_by: [{ text: `silenced by ${made.silence.id} of ann: c` }],
    });
    await api.send('DELETE', `/api/silences/${made.silence.id}`);
    expect((await api.get('/api/silences')).body).toEqual({ silences: [] });
    expect((await api.get('/api/silences?expired=true')).body).toMatchObject({
      silences: [{ status: { state: 'expired' } }],
    });
  });

  it.each([
    [{ matchers: 'host' }, 'bad matcher'],
    [{ matchers: 'host="x"' }, 'start time must be before end time'],
    [{ matchers: 'host="x"', duration: 'x' }, 'is not a duration'],
    [{ matchers: 'host="x"', ends_at: 'soon' }, 'is not a time'],
    [{ matchers: 'host="x"', extra: 1 }, 'Unrecognized key'],
  ])('refuses %j', async (body, expected) => {
    const answer = await api.send('POST', '/api/silences', body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(expected);
  });
});

describe('maintenance windows', () => {
  it('are made once, weekly and by cron, and deleted', async () => {
    const iso = (ms: number): string => new Date(START + ms).toISOString();
    const make = (body: object): ReturnType<AlertApi['send']> => api.send('POST', '/api/maintenance', body);
    const once = await make({ name: 'once', matchers: 'host="x"', once: { from: iso(-1_000), to: iso(60_000) } });
    expect(once.body).toMatchObject({ window: { open: true, next: null }, would_mute: [{ fingerprint: id }] });
    const weekly = await make({
      name: 'weekly',
      matchers: 'host="x"',
      weekly: { days: [0], at: '02:30' },
      zone: 'Europe/Berlin',
      for: '2h',
    });
    // The next Sunday, 02:30 in Berlin.
    expect(weekly.body).toMatchObject({ window: { open: false, next: '2026-12-06T01:30:00.000Z' } });
    await make({ name: 'cron', matchers: 'host="x"', cron: '0 12 * * *', for: '1h' });
    expect((await api.get('/api/maintenance')).body).toMatchObject({
      windows: [{ name: 'cron', open: true }, { name: 'once' }, { name: 'weekly' }],
    });
    expect(await detail()).toMatchObject({ state: 'muted', muted_by: [{ kind: 'maintenance' }] });
    for (const name of ['once', 'weekly', 'cron']) await api.send('DELETE', `/api/maintenance/${name}`);
    expect(await detail()).toMatchObject({ state: 'firing' });
    expect((await api.send('DELETE', '/api/maintenance/once')).status).toBe(404);
  });

  it('keep their hour when clocks change', async () => {
    // Clocks went back in Berlin on 2026-10-25.
    const window = {
      name: 'w',
      matchers: [{ name: 'a', op: '=' as const, value: 'b' }],
      schedule: { kind: 'cron' as const, cron: '30 4 * * *', zone: 'Europe/Berlin', durationMs: 3_600_000 },
      createdBy: 'me',
      comment: '',
    };
    const { maintenance } = rig.pipeline;
    await maintenance.set(window);
    const at = (text: string): boolean => maintenance.isOpen(window, Date.parse(text));
    expect([
      at('2026-10-24T02:29:59Z'),
      at('2026-10-24T02:30:00Z'),
      at('2026-10-24T03:29:59Z'),
      at('2026-10-24T03:30:00Z'),
    ]).toEqual([false, true, true, false]);
    expect([
      at('2026-10-25T03:29:59Z'),
      at('2026-10-25T03:30:00Z'),
      at('2026-10-25T04:29:59Z'),
      at('2026-10-25T04:30:00Z'),
    ]).toEqual([false, true, true, false]);
  });

  it.each([
    [{ name: 'a b', cron: '* * * * *', for: '1h' }, 'The name'],
    [{ name: 'n' }, 'Give one of'],
    [{ name: 'n', cron: 'x', for: '1h' }, 'is not a cron expression'],
    [{ name: 'n', cron: '* * * * *', for: '1h', zone: 'Mars/Base' }, 'is not a cron expression'],
    [{ name: 'n', cron: '* * * * *' }, 'say how long'],
    [{ name: 'n', cron: '* * * * *', for: '60d' }, 'at most 31 days'],
    [{ name: 'n', weekly: { days: [7], at: '02:30' }, for: '1h' }, 'days from 0'],
    [{ name: 'n', matchers: 'a=~".*"', cron: '* * * * *', for: '1h' }, 'must not match the empty string'],
  ])('refuses %j', async (body, expected) => {
    const answer = await api.send('POST', '/api/maintenance', { matchers: 'host="x"', ...body });
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toContain(expected);
  });
});

describe('the ledger and tests', () => {
  it('answers in pages, by alert, receiver, type and time', async () => {
    await rig.advance(20);
    const page = (query: string): Promise<{ notifications: { id: number; type: string }[]; next: number | null }> =>
      api.get(`/api/notifications?${query}`).then(({ body }) => body as never);
    const types = async (query: string): Promise<string[]> => (await page(query)).notifications.map(({ type }) => type);
    expect(await types(`alert=${id}`)).toEqual(['notification', 'alert_grouped', 'alert_created']);
    expect(await types('type=notification&receiver=a')).toEqual(['notification']);
    expect(await types(`from=${START + 5_000}`)).toEqual(['notification']);
    expect(await types(`to=${new Date(START + 5_000).toISOString()}`)).toEqual(['alert_grouped', 'alert_created']);
    const first = await page('limit=2');
    expect(first.notifications).toHaveLength(2);
    expect((await page(`limit=2&cursor=${first.next}`)).notifications).toHaveLength(1);
    expect((await api.get('/api/notifications?limit=0')).status).toBe(400);
    expect((await api.get('/api/notifications?from=x')).status).toBe(400);
  });

  it('sends a test message past the pipeline', async () => {
    expect((await api.send('POST', '/api/notify/test', { receiver: 'a', by: 'ann' })).body).toEqual({
      receiver: 'a',
      results: [{ kind: 'webhook', index: 0, ok: true, message: 'delivered' }],
    });
    expect(rig.sent[0]?.notification).toMatchObject({
      isTest: true,
      summary: 'A test of receiver a, asked for by ann',
    });
    rig.answer = () => ({ kind: 'failed', reason: 'other', retry: true, message: 'no route to host' });
    expect((await api.send('POST', '/api/notify/test', { receiver: 'a' })).body).toMatchObject({
      results: [{ ok: false, message: 'no route to host' }],
    });
    expect((await api.send('POST', '/api/notify/test', { receiver: 'none' })).body).toMatchObject({ results: [] });
    expect((await api.send('POST', '/api/notify/test', { receiver: 'x' })).status).toBe(404);
    expect([...rig.pipeline.alerts.values()]).toHaveLength(1);
  });
});

describe('one alert', () => {
  it('has its chart, trace, line, and similar ones before', async () => {
    await rig.advance(15);
    await rig.pipeline.take([{ labels: { alertname: 'FromFile', host: 'a$b', severity: 'info' }, startsAtMs: START }]);
    await rig.pipeline.take([
      { labels: { alertname: 'FromFile', host: 'z' }, startsAtMs: START, endsAtMs: START + 1_000 },
    ]);
    const [mine] = [...rig.pipeline.alerts.values()].filter(({ labels }) => labels.get('host') === 'a$b');
    const { body } = await api.get(`/api/alerts/${mine.fingerprint}`);
    expect(body).toMatchObject({
      state: 'firing',
      flapping: false,
      chart: {
        rule: 'FromFile',
        expr: '(load) and on (host, severity) label_replace(label_replace(vector(1), "host", "a$$b", "", ""), "severity", "info", "", "")',
      },
      trace: { id: 'abc', failed: true },
      error_line: { text: 'boom', service: 'shop' },
      similar: [{ labels: { host: 'z' } }],
    });
    expect((await detail())['chart']).toBeNull();
  });

  it('lists receivers with their channels and without their secrets', async () => {
    expect((await api.get('/api/notify/receivers')).body).toEqual({
      receivers: [
        { name: 'a', channels: [{ kind: 'webhook', index: 0, send_resolved: true }] },
        { name: 'none', channels: [] },
      ],
    });
  });
});

describe('groups and history', () => {
  it('show what is told together, and why some of it is not', async () => {
    await rig.advance(15);
    await api.send('POST', '/api/silences', { matchers: ['id="2"'], duration: '1h', comment: 'c', created_by: 'ann' });
    await rig.fire('2');
    const { groups } = (await api.get('/api/alerts/groups')).body as GroupsAnswer;
    const alerts = groups
      .flatMap((group) => group.alerts)
      .map(({ labels, state, muted_by: by }) => [labels['id'], state, by]);
    expect(alerts).toContainEqual(['2', 'muted', expect.stringContaining('of ann') as string]);
    expect(alerts.filter(([, state]) => state === 'firing').length).toBeGreaterThan(0);
    expect(groups[0]).toMatchObject({ receiver: 'a', next_flush: expect.stringMatching(/^2026-/) as string });
    expect(groups[0].told).toEqual([
      {
        at: new Date(START + 10_000).toISOString(),
        kind: 'sent',
        to: 'a webhook',
        text: 'was sent to a/webhook (first notification)',
      },
    ]);
  });

  it('go back as far as the ledger', async () => {
    await rig.fire('h', { alertname: 'Old' });
    await rig.advance(15);
    await rig.resolve('h', { alertname: 'Old' });
    await rig.advance(3_600);
    const all = (await api.get('/api/alerts/history')).body as HistoryAnswer;
    expect(all.alerts.find(({ name }) => name === 'Old')).toMatchObject({
      began: expect.any(String) as string,
      ended: expect.any(String) as string,
    });
    expect(all.complete).toBe(true);
    const now = rig.clock.now();
    const recent = (await api.get(`/api/alerts/history?from=${now - 60_000}&to=${now}`)).body as HistoryAnswer;
    expect(recent.alerts.map(({ name }) => name)).not.toContain('Old');
    expect(recent.alerts.every(({ ended }) => ended === null)).toBe(true);
    expect((await api.get('/api/alerts/history?from=x')).status).toBe(400);
  });
});

/** The pipeline under a moved clock: what is sent, when, why, and what is kept over a kill. */
import { afterEach, describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import type { Delivery } from '../../../../src/monitor/alerts/notify/notification.ts';
import { fingerprintOf } from '../../../../src/monitor/alerts/notify/steps/fingerprint.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
afterEach(async () => rig[Symbol.asyncDispose]());

const route = (more: string, rest = '', receivers = ''): string => `route:
  receiver: a
  group_by: [alertname]
  group_wait: 10s
  group_interval: 60s
  repeat_interval: 1h
${more.replaceAll(/^/gm, '  ')}
receivers:
- { name: a, webhook_configs: [{ to: a }] }
- { name: b, webhook_configs: [{ to: b }] }
${receivers}
${rest}`;
const PLAIN = route('');
const idOf = (id: string, more: Record<string, string> = {}): string =>
  fingerprintOf(Labels.from({ alertname: 'Down', ...more, id }));

describe('timers', () => {
  it('waits, collects, and tells of changes at the interval', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(5);
    await rig.fire('2');
    await rig.advance(10);
    await rig.fire('3');
    await rig.resolve('1');
    await rig.advance(60);
    await rig.resolve('2');
    await rig.resolve('3');
    await rig.advance(60);
    expect(rig.lines()).toEqual([
      'a@10 first notification: +1 +2',
      'a@70 new alerts added: -1 +2 +3',
      'a@130 all alerts resolved: -2 -3',
    ]);
    expect(rig.pipeline.groups).toEqual([]);
  });

  it('repeats at the first flush after repeat_interval', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(2 * 3_600 + 200);
    expect(rig.lines()).toEqual([
      'a@10 first notification: +1',
      'a@3670 repeat interval elapsed: +1',
      'a@7330 repeat interval elapsed: +1',
    ]);
  });

  it('flushes at once when the alert is older than group_wait', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1', {}, { startsAtMs: START - 60_000 });
    await rig.advance(1);
    expect(rig.lines()).toEqual(['a@0 first notification: +1']);
  });

  it('says nothing of an alert that was resolved before anybody heard of it', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.resolve('1');
    await rig.advance(100);
    expect(rig.lines()).toEqual([]);
    expect(rig.events({ alert: idOf('1'), type: 'vitrine_not_notified' })[0]?.text).toContain(
      'resolved before anybody was told',
    );
  });

  it('resolves an alert without an end after resolve_timeout', async () => {
    rig = await pipelineRig(`global: { resolve_timeout: 30s }\n${PLAIN}`);
    await rig.fire('1', {}, { endsAtMs: undefined });
    await rig.advance(80);
    expect(rig.lines()).toEqual(['a@10 first notification: +1', 'a@70 all alerts resolved: -1']);
  });

  it('sends an alert again that fires again', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.resolve('1');
    await rig.advance(60);
    await rig.fire('1');
    await rig.advance(10);
    expect(rig.lines().at(-1)).toBe('a@90 first notification: +1');
  });
});

describe('routes and groups', () => {
  it('groups by ... one by one, and by [] all together', async () => {
    rig = await pipelineRig(
      route(
        `routes:\n- { match: { one: yes }, receiver: b, group_by: ['...'] }\n- { match: { all: yes }, group_by: [] }`,
      ),
    );
    await rig.fire('1', { one: 'yes' });
    await rig.fire('2', { one: 'yes' });
    await rig.fire('3', { all: 'yes' });
    await rig.fire('4', { all: 'yes', alertname: 'Other' });
    await rig.advance(15);
    expect(rig.lines().sort()).toEqual([
      'a@10 first notification: +3 +4',
      'b@10 first notification: +1',
      'b@10 first notification: +2',
    ]);
  });

  it('goes on with continue, and leaves resolved alerts out where nobody wants them', async () => {
    rig = await pipelineRig(
      route(
        `routes:\n- { match: { alertname: Down }, receiver: c, continue: true }\n- { receiver: b }`,
        '',
        '- { name: c, webhook_configs: [{ to: c, send_resolved: false }] }',
      ),
    );
    await rig.fire('1');
    await rig.advance(20);
    await rig.resolve('1');
    await rig.advance(60);
    expect(rig.lines().sort()).toEqual([
      'b@10 first notification: +1',
      'b@70 all alerts resolved: -1',
      'c@10 first notification: +1',
    ]);
  });

  it('renders the labels of a route and gives facts for people', async () => {
    rig = await pipelineRig(route(`labels: { title: '{{ .CommonLabels.id }} x', bad: '{{ .Nope }}' }`));
    await rig.fire(
      '1',
      {},
      { annotations: { summary: 'all is lost', runbook_url: 'https://r/' }, value: 3, threshold: '> 2' },
    );
    await rig.advance(10);
    const [{ notification }] = rig.sent;
    expect(notification).toMatchObject({
      routeLabels: { title: '1 x' },
      summary: 'all is lost',
      sinceMs: START,
      links: { page: `http://vitrine/alerts/${idOf('1')}`, runbook: 'https://r/' },
    });
    expect(notification.alerts[0]).toMatchObject({ value: 3, threshold: '> 2', fingerprint: idOf('1') });
  });
});

describe('mutes', () => {
  const INHIBIT = route(
    '',
    `inhibit_rules:\n- { name: host, source_matchers: [alertname="HostDown"], target_matchers: ['alertname!="HostDown"'], equal: [host] }\n`,
  );

  it('inhibits while the source fires, once told in the ledger', async () => {
    rig = await pipelineRig(INHIBIT);
    await rig.fire('h', { alertname: 'HostDown', host: 'x' });
    await rig.fire('1', { host: 'x' });
    await rig.fire('2', { host: 'y' });
    await rig.advance(200);
    expect(rig.lines().sort()).toEqual(['a@10 first notification: +2', 'a@10 first notification: +h']);
    const events = rig.events({ alert: idOf('1', { host: 'x' }), type: 'inhibition_muted_alert' });
    expect(events).toHaveLength(1);
    expect(events[0]?.text).toContain('by rule "host"');
    await rig.resolve('h', { alertname: 'HostDown', host: 'x' });
    await rig.advance(60);
    expect(rig.lines()).toContain('a@250 new alerts added: +1 +2');
  });

  it('does not let two alerts mute each other', async () => {
    rig = await pipelineRig(route('', `inhibit_rules: [{ source_matchers: [kind="k"], target_matchers: [kind="k"] }]`));
    await rig.fire('1', { kind: 'k' });
    await rig.fire('2', { kind: 'k' });
    await rig.advance(10);
    expect(rig.lines()).toEqual(['a@10 first notification: +1 +2']);
  });

  const silence = (seconds: number): Promise<unknown> =>
    rig.pipeline.silences.set(
      {
        matchers: [{ name: 'id', op: '=~', value: '1|3' }],
        startsAtMs: rig.clock.now(),
        endsAtMs: rig.clock.now() + seconds * 1_000,
        createdBy: 'me',
        comment: 'work',
        annotations: {},
      },
      rig.clock.now(),
    );

  it('silences until the end of the silence', async () => {
    rig = await pipelineRig(PLAIN);
    await silence(100);
    await rig.fire('1');
    await rig.fire('2');
    await rig.advance(140);
    expect(rig.lines()).toEqual(['a@10 first notification: +2', 'a@130 new alerts added: +1 +2']);
    expect(rig.figures).toContain('suppressed silence 1');
  });

  it('sends the resolution of a delivered alert through a silence', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await silence(10_000);
    await rig.fire('3');
    await rig.resolve('1');
    await rig.resolve('3');
    await rig.advance(60);
    expect(rig.lines()).toEqual(['a@10 first notification: +1', 'a@70 all alerts resolved: -1']);
    expect(rig.events({ alert: idOf('1'), type: 'vitrine_resolution_passed_mute' })).toHaveLength(1);
  });

  it('keeps it back as Alertmanager does, when told so', async () => {
    rig = await pipelineRig(PLAIN, false);
    await rig.fire('1');
    await rig.advance(20);
    await silence(10_000);
    await rig.resolve('1');
    await rig.advance(200);
    expect(rig.lines()).toEqual(['a@10 first notification: +1']);
  });

  it('mutes by time intervals in their zone', async () => {
    // 12:00 UTC is 13:00 in Berlin.
    rig = await pipelineRig(
      route(
        `routes:\n- { match: { id: m }, mute_time_intervals: [lunch] }\n- { match: { id: o }, active_time_intervals: [later] }`,
        `time_intervals:\n- { name: lunch, time_intervals: [{ times: [{ start_time: '13:00', end_time: '13:05' }], location: Europe/Berlin }] }\n- { name: later, time_intervals: [{ times: [{ start_time: '12:10', end_time: '12:20' }], weekdays: [monday], months: [november], days_of_month: ['-1'] }] }\n`,
      ),
    );
    await rig.fire('m');
    await rig.fire('o');
    await rig.advance(700);
    expect(rig.lines()).toEqual(['a@310 first notification: +m', 'a@610 first notification: +o']);
    expect(rig.events({ alert: idOf('m'), type: 'vitrine_mute_time_interval_muted_alert' })).toHaveLength(1);
    expect(rig.events({ alert: idOf('o'), type: 'vitrine_active_time_interval_muted_alert' })).toHaveLength(1);
  });

  it('mutes in maintenance windows and while snoozed', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.pipeline.maintenance.set({
      name: 'deploy',
      matchers: [{ name: 'id', op: '=', value: '1' }],
      schedule: { kind: 'cron', cron: '0 13 * * 1', zone: 'Europe/Berlin', durationMs: 90_000 },
      createdBy: 'me',
      comment: '',
    });
    await rig.fire('1');
    await rig.fire('2');
    await rig.pipeline.care.act(idOf('2'), { kind: 'snooze', by: 'me', untilMs: START + 30_000 }, START);
    await rig.advance(140);
    expect(rig.lines()).toEqual(['a@70 first notification: +2', 'a@130 new alerts added: +1 +2']);
    expect(rig.events({ alert: idOf('1'), type: 'vitrine_maintenance_muted_alert' })[0]?.text).toContain('"deploy"');
    expect(rig.events({ alert: idOf('2'), type: 'vitrine_snooze_muted_alert' })).toHaveLength(1);
  });

  it('does not repeat an acknowledged alert, but tells of new ones', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.pipeline.care.act(idOf('1'), { kind: 'ack', by: 'me' }, rig.clock.now());
    await rig.advance(3_700);
    expect(rig.lines()).toHaveLength(1);
    await rig.fire('2');
    await rig.advance(60);
    expect(rig.lines()[1]).toContain('new alerts added: +1 +2');
    expect(rig.sent[1]?.notification.alerts.map(({ acknowledgedBy }) => acknowledgedBy)).toEqual(['me', undefined]);
  });
});

describe('deliveries that fail', () => {
  const failed = { kind: 'failed', reason: 'serverError', retry: true, message: 'no' } as const;

  it('tries again with pauses, within the flush', async () => {
    rig = await pipelineRig(PLAIN);
    rig.answer = (_to, tries) => (tries < 4 ? failed : { kind: 'delivered' });
    await rig.fire('1');
    await rig.advance(20);
    expect(rig.sent).toHaveLength(1);
    expect(rig.figures.filter((one) => one === 'failed a webhook serverError')).toHaveLength(3);
    expect(rig.events({ alert: idOf('1') }).map(({ type }) => type)).toEqual([
      'notification',
      'vitrine_notification_failed',
      'alert_grouped',
      'alert_created',
    ]);
    expect(rig.events({ type: 'notification' })[0]?.data).toMatchObject({
      reason: 'NOTIFY_REASON_FIRST_NOTIFICATION',
      tries: 4,
      integration: { name: 'webhook', index: 0 },
      groupInfo: { groupKey: '{}:{alertname="Down"}', receiverName: 'a' },
    });
  });

  it('waits as long as the receiver asks', async () => {
    rig = await pipelineRig(PLAIN);
    rig.answer = (_to, tries) => (tries < 2 ? { ...failed, retryAfterMs: 30_000 } : { kind: 'delivered' });
    await rig.fire('1');
    await rig.advance(60);
    expect(rig.lines()).toEqual(['a@40 first notification: +1']);
  });

  it('tries again with the next flush after a final failure, also for a resolution', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.resolve('1');
    rig.answer = () => ({ ...failed, retry: false });
    await rig.advance(60);
    rig.answer = () => ({ kind: 'delivered' });
    await rig.advance(60);
    expect(rig.lines()).toEqual(['a@10 first notification: +1', 'a@130 all alerts resolved: -1']);
  });

  it('raises an alert through the others when a channel stays down', async () => {
    rig = await pipelineRig(PLAIN);
    rig.answer = (to) => (to === 'a' ? failed : { kind: 'delivered' });
    await rig.fire('1');
    await rig.advance(180);
    expect(rig.sent.map(({ to, alerts }) => `${to} ${alerts}`)).toEqual(['b +NotificationChannelDown']);
    expect(rig.sent[0]?.notification.summary).toBe('Nothing can be sent to a by webhook: no');
    rig.answer = () => ({ kind: 'delivered' });
    await rig.advance(200);
    expect(rig.sent.map(({ to, alerts }) => `${to} ${alerts}`)).toEqual([
      'b +NotificationChannelDown',
      'a +1',
      'b -NotificationChannelDown',
    ]);
  });

  it('does not delay another receiver', async () => {
    rig = await pipelineRig(route('routes: [{ match: { id: "2" }, receiver: b }]'));
    rig.answer = (to) => (to === 'a' ? failed : { kind: 'delivered' });
    await rig.fire('1');
    await rig.fire('2');
    await rig.advance(15);
    expect(rig.lines()).toEqual(['b@10 first notification: +2']);
  });

  it('does not delay another channel of the same receiver, nor the next groups, while one hangs', async () => {
    const both = route('').replace('webhook_configs: [{ to: a }]', 'webhook_configs: [{ to: a }, { to: also }]');
    rig = await pipelineRig(both.replace('group_by: [alertname]', "group_by: ['...']"));
    const { promise: hung, resolve } = Promise.withResolvers<Delivery>();
    rig.answer = (to) => (to === 'a' ? hung : { kind: 'delivered' });
    await rig.fire('1');
    await rig.advance(11);
    await rig.fire('2');
    await rig.advance(11);
    expect(rig.lines()).toEqual(['also@10 first notification: +1', 'also@21 first notification: +2']);
    resolve({ kind: 'delivered' });
    await rig.advance(1);
    expect(rig.sent.map(({ to }) => to)).toEqual(['also', 'also', 'a', 'a']);
  });

  it('survives a receiver that throws', async () => {
    rig = await pipelineRig(PLAIN);
    rig.answer = (_to, tries) => {
      if (tries === 1) throw new TypeError('a mistake with a secret');
      return { kind: 'delivered' };
    };
    await rig.fire('1');
    await rig.advance(20);
    expect(rig.lines()).toHaveLength(1);
    expect(JSON.stringify(rig.events())).not.toContain('secret');
  });
});

describe('kept over a kill', () => {
  it('goes on where it was: alerts, timers, log, silences, care', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.fire('2');
    await rig.pipeline.care.act(idOf('2'), { kind: 'assign', by: 'me', to: 'you' }, rig.clock.now());
    await rig.advance(10);
    await rig.restart();
    await rig.advance(40);
    expect(rig.lines()).toEqual(['a@10 first notification: +1', 'a@70 new alerts added: +1 +2']);
    expect(rig.pipeline.care.of(idOf('2')).assignee).toBe('you');
    await rig.resolve('1');
    await rig.resolve('2');
    await rig.restart();
    await rig.advance(70);
    expect(rig.lines()).toHaveLength(3);
    expect(rig.lines()[2]).toContain('all alerts resolved: -1 -2');
  });

  it('delivers at once after a kill what was being delivered', async () => {
    rig = await pipelineRig(PLAIN.replace('group_interval: 60s', 'group_interval: 1h'));
    rig.answer = () => ({ kind: 'failed', reason: 'serverError', retry: true, message: 'down' });
    await rig.fire('1');
    await rig.advance(20);
    expect(rig.sent).toEqual([]);
    rig.answer = () => ({ kind: 'delivered' });
    await rig.restart();
    await rig.advance(1);
    expect(rig.sent.map(({ reason, alerts }) => `${reason}: ${alerts}`)).toEqual(['first notification: +1']);
    // The next flush is an interval after this one, over a restart too.
    await rig.fire('2');
    await rig.restart();
    await rig.advance(600);
    expect(rig.sent).toHaveLength(1);
  });

  it('does not wait anew after a kill during group_wait', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(7);
    await rig.restart();
    await rig.advance(10);
    expect(rig.lines()).toEqual(['a@10 first notification: +1']);
  });

  it.each([
    [
      'a restart after an outage',
      (hours: number) => async () => {
        rig.clock.jump(hours * 3_600_000);
        await rig.restart();
      },
    ],
    ['a machine that slept', (hours: number) => () => Promise.resolve(rig.clock.jump(hours * 3_600_000))],
    ['a clock that was set forward', (hours: number) => () => Promise.resolve(rig.clock.step(hours * 3_600_000))],
  ])('does not say the end of alerts that nobody could repeat: %s', async (_name, outage) => {
    rig = await pipelineRig(PLAIN);
    const valid = (): { startsAtMs: number; endsAtMs: number } => ({
      startsAtMs: START,
      endsAtMs: rig.clock.now() + 240_000,
    });
    await rig.fire('1', {}, valid());
    await rig.fire('2', {}, valid());
    await rig.advance(20);
    await outage(0.5)();
    // The rules come only after the timers of the groups.
    await rig.advance(65);
    await rig.fire('1', {}, valid());
    await rig.advance(100);
    expect(rig.sent.map(({ reason, alerts }) => `${reason}: ${alerts}`)).toEqual(['first notification: +1 +2']);
    // Nobody repeats the other one: it ends when its time is over once more.
    await rig.fire('1', {}, valid());
    await rig.advance(150);
    expect(rig.sent.map(({ reason, alerts }) => `${reason}: ${alerts}`)).toEqual([
      'first notification: +1 +2',
      'some alerts resolved: +1 -2',
    ]);
  });

  it('says an end that the sender has said, even when it comes after an outage', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.resolve('1');
    rig.clock.jump(1_800_000);
    await rig.restart();
    await rig.advance(60);
    expect(rig.lines()[1]).toContain('all alerts resolved: -1');
  });

  it('takes a new configuration with the groups and the log as they are', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.reload(route('routes: [{ match: { id: "1" }, receiver: b }]'));
    await rig.advance(60);
    await rig.reload(PLAIN);
    await rig.advance(120);
    expect(rig.lines()).toEqual(['a@10 first notification: +1', 'b@20 first notification: +1']);
  });

  it('forgets what is over', async () => {
    rig = await pipelineRig(PLAIN);
    await rig.fire('1');
    await rig.advance(20);
    await rig.resolve('1');
    await rig.advance(60);
    await rig.pipeline.sweep();
    expect([...rig.pipeline.alerts.values()]).toEqual([]);
    await rig.restart();
    expect([...rig.pipeline.alerts.values()]).toEqual([]);
    expect(rig.failures).toEqual([]);
  });
});

describe('intake', () => {
  it('refuses what cannot be an alert and takes the rest', async () => {
    rig = await pipelineRig(PLAIN);
    const refused = await rig.pipeline.take([
      { labels: {} },
      { labels: { a: '' } },
      { labels: { a: 'b' }, startsAtMs: START, endsAtMs: START - 1 },
      { labels: { a: 'x'.repeat(70_000) } },
      { labels: { a: '\ud800' } },
      { labels: Object.fromEntries(Array.from({ length: 101 }, (_item, at) => [`l${at}`, 'x'])) },
      { labels: { good: 'yes' } },
    ]);
    expect(refused).toEqual([
      'at least one label pair required',
      'at least one label pair required',
      'start time must be before end time',
      'larger than 65536 characters',
      'invalid name or value: "a"',
      'more than 100 labels',
    ]);
    expect([...rig.pipeline.alerts.values()].map(({ labels }) => labels.toJSON())).toEqual([{ good: 'yes' }]);
    expect(rig.figures).toEqual(['refused intake 6']);
  });
});

/** Escalation under a moved clock: steps, acknowledgement, hand-over, a change of clocks, rounds, restart. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  escalationConfig,
  oncallConfig,
  planOf,
  type OnCallPlan,
} from '../../../../src/monitor/alerts/oncall/config.ts';
import { parseTime } from '../../../../src/monitor/alerts/oncall/wall-clock.ts';
import { pipelineRig, type Rig } from '../../../support/alerts/pipeline-rig.ts';

const NAMES = ['pager', 'ann', 'bob', 'cem', 'team'];
const FILE = `route: { receiver: pager, group_by: [alertname], group_wait: 0s, group_interval: 5m, repeat_interval: 4h }
receivers:
- { name: pager }
${NAMES.slice(1)
  .map((name) => `- { name: ${name}, webhook_configs: [{ to: ${name} }] }`)
  .join('\n')}
`;

function plan(starts: string, more: object = {}, rotation: object = {}): OnCallPlan {
  const oncall = oncallConfig.parse({
    people: { Ann: 'ann' },
    schedules: {
      primary: { zone: 'Europe/Berlin', rotations: [{ people: ['Ann', 'bob'], every: '1d', starts, ...rotation }] },
    },
  });
  const escalation = escalationConfig.parse({
    pager: {
      steps: [{ notify: 'primary' }, { notify: 'primary', after: '10m' }, { notify: ['cem', 'team'], after: '20m' }],
      ...more,
    },
  });
  const { plan: made, issues } = planOf(oncall, escalation, new Set(NAMES));
  expect(issues).toEqual([]);
  return made;
}

let rig: Rig;
let opened: Rig | undefined;
afterEach(async () => {
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
});
const startAt = async (text: string, oncall: OnCallPlan): Promise<void> => {
  rig = await pipelineRig(FILE, true, { oncall, startMs: parseTime(text, 'Europe/Berlin') ?? 0 });
  opened = rig;
};
const ack = async (): Promise<void> => {
  const [alert] = rig.pipeline.alerts.values();
  await rig.pipeline.care.act(alert.fingerprint, { kind: 'ack', by: 'ann' }, rig.clock.now());
};

describe('escalation', () => {
  it('tells one step after the other until somebody acknowledges, and all of them of the end', async () => {
    await startAt('2026-06-01T12:00', plan('2026-06-01T09:00'));
    await rig.fire('1');
    await rig.advance(15 * 60);
    expect(rig.lines()).toEqual(['ann@0 first notification: +1']);
    await rig.advance(10 * 60);
    expect(rig.lines().slice(1).sort()).toEqual([
      'cem@1200 first notification: +1',
      'team@1200 first notification: +1',
    ]);
    expect(
      rig
        .events({ type: 'vitrine_escalated' })
        .map(({ text }) => text)
        .reverse(),
    ).toEqual([
      'step 1 of policy "pager" tells Ann, on call in primary',
      'step 2 of policy "pager" tells Ann, on call in primary',
      'step 3 of policy "pager" tells cem',
      'step 3 of policy "pager" tells team',
    ]);
    await rig.resolve('1');
    await rig.advance(10 * 60);
    expect(
      rig
        .lines()
        .slice(3)
        .map((line) => line.replace(/@\d+/, ''))
        .sort(),
    ).toEqual(['ann', 'cem', 'team'].map((name) => `${name} all alerts resolved: -1`));
    expect(rig.pipeline.groups).toEqual([]);
  });

  it('stops at an acknowledgement, and begins anew for new alerts', async () => {
    await startAt('2026-06-01T12:00', plan('2026-06-01T09:00'));
    await rig.fire('1');
    await rig.advance(60);
    await ack();
    await rig.advance(2 * 3_600);
    expect(rig.lines()).toEqual(['ann@0 first notification: +1']);
    await rig.fire('2');
    await rig.advance(25 * 60);
    expect(
      rig
        .lines()
        .slice(1)
        .map((line) => line.replace(/@\d+/, ''))
        .sort(),
    ).toEqual(['ann new alerts added: +1 +2', 'cem first notification: +1 +2', 'team first notification: +1 +2']);
  });

  it('tells whoever comes on call, at the second of the hand-over, on the night when clocks are set back', async () => {
    // Clocks are set back at 03:00 on 25 October: the shift that began at 09:00 lasts 25 hours.
    const daily = plan('2026-10-24T09:00', { steps: [{ notify: 'primary' }, { notify: 'cem', after: '3h' }] });
    await startAt('2026-10-25T01:50', daily);
    await rig.fire('1');
    await rig.advance(9 * 3_600);
    // 01:50 summer time is 23:50Z, 09:00 winter time is 08:00Z: 8 h 10 min later.
    expect(rig.lines().filter((line) => line.includes('first'))).toEqual([
      'ann@0 first notification: +1',
      'cem@10800 first notification: +1',
      'bob@29400 first notification: +1',
    ]);
    // Ann is told of the end, and of nothing else after the hand-over.
    await rig.fire('2');
    await rig.advance(6 * 3_600);
    await rig.resolve('1');
    await rig.resolve('2');
    await rig.advance(600);
    const later = rig.sent.filter(({ at }) => at >= 29_400);
    expect(later.filter(({ to }) => to === 'ann').map(({ reason }) => reason)).toEqual(['all alerts resolved']);
    expect(later.filter(({ to }) => to === 'bob').map(({ reason }) => reason)).toEqual([
      'first notification',
      'new alerts added',
      'repeat interval elapsed',
      'all alerts resolved',
    ]);
    expect(rig.events({ type: 'vitrine_escalated' })[0].text).toContain('Bob, on call'.toLowerCase());
  });

  it('resolves a step at the time of the step, on the night when clocks are set forward', async () => {
    // The hand-over at 02:30 does not exist on 29 March: it happens at 03:30 summer time, 01:30Z.
    const nightly = plan('2026-03-28T02:30', { steps: [{ notify: 'cem' }, { notify: 'primary', after: '45m' }] });
    await startAt('2026-03-29T01:50', nightly);
    await rig.fire('1');
    await rig.advance(45 * 60 + 5);
    expect(rig.lines()).toEqual(['cem@0 first notification: +1', 'bob@2700 first notification: +1']);
  });

  it('begins again with the first step as often as the policy says', async () => {
    const rounds = plan('2026-06-01T09:00', {
      steps: [{ notify: 'ann' }, { notify: 'bob', after: '10m' }],
      repeat_every: '30m',
      repeats: 1,
    });
    await startAt('2026-06-01T12:00', rounds);
    await rig.fire('1');
    await rig.advance(2 * 3_600);
    expect(rig.lines()).toEqual([
      'ann@0 first notification: +1',
      'bob@600 first notification: +1',
      'ann@1800 repeat interval elapsed: +1',
      'bob@2400 repeat interval elapsed: +1',
    ]);
  });

  it('goes on after a restart where it was, and tells at once what became due meanwhile', async () => {
    await startAt('2026-06-01T12:00', plan('2026-06-01T09:00'));
    await rig.fire('1');
    await rig.advance(60);
    await rig.restart();
    await rig.advance(20 * 60);
    expect(
      rig
        .lines()
        .map((line) => line.split(' ')[0])
        .sort(),
    ).toEqual(['ann@0', 'cem@1200', 'team@1200']);
    await rig.advance(60);
    expect(rig.pipeline.escalations.of(rig.pipeline.groups[0].id)).toMatchObject({
      reached: 3,
      told: ['ann', 'cem', 'team'],
    });
  });

  it('does not escalate what is muted, and follows overrides', async () => {
    await startAt('2026-06-01T12:00', plan('2026-06-01T09:00'));
    const { oncall } = rig.pipeline.config;
    const nowMs = rig.clock.now();
    await rig.pipeline.oncall.add(
      { schedule: 'primary', person: 'bob', fromMs: nowMs, toMs: nowMs + 60_000, createdBy: 'x' },
      oncall,
    );
    await rig.fire('1');
    await rig.advance(5);
    expect(rig.lines()).toEqual(['bob@0 first notification: +1']);
    const [alert] = rig.pipeline.alerts.values();
    await rig.pipeline.care.act(alert.fingerprint, { kind: 'snooze', by: 'x', untilMs: nowMs + 7_200_000 }, nowMs);
    await rig.advance(3_600);
    expect(rig.lines()).toHaveLength(1);
  });
});

describe('the plan', () => {
  it('is checked: every name leads to a receiver', () => {
    const oncall = oncallConfig.parse({
      people: { ann: 'nowhere' },
      schedules: { p: { rotations: [{ people: ['zoe'], every: '7d', starts: '2026-06-01T09:00' }] } },
    });
    const escalation = escalationConfig.parse({ nobody: { steps: [{ notify: ['p', 'what'] }] } });
    expect(planOf(oncall, escalation, new Set(['pager'])).issues).toEqual([
      'notify.oncall.people.ann: there is no receiver "nowhere"',
      'notify.oncall.schedules.p: "zoe" has no receiver; name one in notify.oncall.people',
      'notify.escalation.nobody: there is no receiver of this name',
      'notify.escalation.nobody.steps[0]: "what" is no schedule, person or receiver',
    ]);
    for (const bad of [{ zone: 'Mars/Base' }, { rotations: [{ people: ['a'], every: '7d', starts: 'soon' }] }]) {
      const rotations = [{ people: ['a'], every: '7d', starts: '2026-06-01T09:00', from: '09:00' }];
      expect(() => oncallConfig.parse({ schedules: { p: { rotations, ...bad } } })).toThrow(z.ZodError);
    }
  });
});

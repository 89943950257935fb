/** One problem, one message: what is dead mutes what depends on it, and an alert that flaps is held. */
import { afterEach, describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { downThing } from '../../../../src/monitor/alerts/notify/steps/topology.ts';
import { pipelineRig, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
let opened: Rig | undefined;
afterEach(async () => {
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
});
const CONFIG = `route: { receiver: a, group_by: ['...'], group_wait: 10s, group_interval: 1m, repeat_interval: 4h }
receivers: [{ name: a, webhook_configs: [{ to: a }] }]
`;
const post = (labels: Record<string, string>, annotations: Record<string, string> = {}): Promise<string[]> =>
  rig.pipeline.take([{ labels, annotations, startsAtMs: rig.clock.now(), endsAtMs: rig.clock.now() + 86_400_000 }]);
const told = (): string[] => rig.sent.map(({ notification }) => notification.alerts[0].labels['alertname'] ?? '');
const open = async (dependsOn: Record<string, string[]> = {}): Promise<void> => {
  rig = opened = await pipelineRig(CONFIG, true, { topology: new Map(Object.entries(dependsOn)) });
};

describe('topology', () => {
  it('makes one message of a dead machine with 20 services and 60 rules, and explains the 59 others', async () => {
    await open();
    await post({ alertname: 'HostDown', host: 'web1' });
    for (let i = 0; i < 59; i += 1) {
      const at: Record<string, string> = i % 2 === 0 ? { host: 'web1' } : { instance: `web1:${8_000 + (i % 20)}` };
      await post({ alertname: `Rule${i}`, service: `s${i % 20}`, ...at });
    }
    await rig.advance(15);
    expect(told()).toEqual(['HostDown']);
    const [source] = [...rig.pipeline.alerts.values()].filter(({ labels }) => labels.get('alertname') === 'HostDown');
    const events = rig.events({ type: 'inhibition_muted_alert' });
    expect(new Set(events.map(({ alerts }) => alerts[0])).size).toBe(59);
    for (const { text, data } of events) {
      expect(text).toContain('(HostDown) by rule "topology: host web1 is down"');
      expect(data['inhibitingFingerprints']).toEqual([source.fingerprint]);
    }
    // The machine is back: what still fires is told, and only then.
    await rig.pipeline.take([{ labels: { alertname: 'HostDown', host: 'web1' }, endsAtMs: rig.clock.now() }]);
    await rig.advance(65);
    expect(told()).toHaveLength(61);
  });

  it('mutes what runs on a dead upstream, and leaves other machines alone', async () => {
    await open();
    await post(
      { alertname: 'Gone', instance: 'lb:8080', vitrine_upstream: 'http://10.0.0.7:3001' },
      { vitrine_down: 'address' },
    );
    await post({ alertname: 'Slow', instance: '10.0.0.7:3001' });
    await post({ alertname: 'SlowToo', instance: '10.0.0.7:3002' });
    await post({ alertname: 'Balancer', instance: 'lb:8080' });
    await rig.advance(15);
    expect(told().sort()).toEqual(['Balancer', 'Gone', 'SlowToo']);
  });

  it('follows depends_on over several steps, and survives circles', async () => {
    await open({ shop: ['checkout'], checkout: ['db1'], db1: ['disk'], disk: ['db1'] });
    await post({ alertname: 'HostDown', host: 'db1' });
    await rig.advance(1);
    await post({ alertname: 'ServiceDown', service: 'disk' });
    await post({ alertname: 'Errors', service: 'shop' });
    await post({ alertname: 'Errors', service: 'other' });
    await rig.advance(15);
    expect(
      rig.sent
        .map(({ notification: { alerts } }) => alerts[0].labels)
        .map((l) => l['host'] ?? l['service'])
        .sort(),
    ).toEqual(['db1', 'other']);
    expect(
      rig.events({ type: 'inhibition_muted_alert' }).some(({ text }) => text.includes('checkout depends on db1')),
    ).toBe(true);
  });

  it('knows what is down by annotation and by name', () => {
    const thing = (labels: Record<string, string>, annotations: Record<string, string> = {}): string | undefined => {
      const found = downThing({ labels: Labels.from(labels), annotations });
      return found === undefined ? undefined : `${found.kind} ${found.name}`;
    };
    expect(thing({ alertname: 'NodeUnreachable', instance: 'Web1:9100' })).toBe('host web1');
    expect(thing({ alertname: 'InstanceDown', instance: 'web1:9100' })).toBe('address web1:9100');
    expect(thing({ alertname: 'InstanceDown', instance: 'web1' })).toBe('host web1');
    expect(thing({ alertname: 'HostDown', instance: '127.0.0.1:80' })).toBeUndefined();
    expect(thing({ alertname: 'HostDown' })).toBeUndefined();
    expect(thing({ alertname: 'Slow', service: 'x' })).toBeUndefined();
    expect(thing({ alertname: 'Slow', service: 'x' }, { vitrine_down: 'service' })).toBe('service x');
  });

  it('is off without the option, as Alertmanager', async () => {
    rig = opened = await pipelineRig(CONFIG, false);
    await post({ alertname: 'HostDown', host: 'web1' });
    await post({ alertname: 'Slow', host: 'web1' });
    await rig.advance(15);
    expect(told().sort()).toEqual(['HostDown', 'Slow']);
  });
});

describe('flapping', () => {
  it('sends at most three messages for 60 turns in ten minutes, and the end when it has been quiet', async () => {
    const short = CONFIG.replace('group_wait: 10s', 'group_wait: 0s');
    rig = opened = await pipelineRig(short, true, { flapping: { changes: 5, withinMs: 600_000, quietMs: 300_000 } });
    for (let turn = 0; turn < 60; turn += 1) {
      if (turn % 2 === 0) await rig.fire('1');
      else await rig.resolve('1');
      await rig.advance(10);
    }
    expect(rig.sent.length).toBeLessThanOrEqual(3);
    const [alert] = rig.pipeline.alerts.values();
    expect(rig.pipeline.isFlapping(alert.fingerprint)).toBe(true);
    expect(rig.events({ type: 'vitrine_alert_flapping' }).map(({ text }) => text)).toEqual([
      'flaps: it changed 5 times within 10m; from now on it ends after 5m without a change',
    ]);
    await rig.advance(400);
    expect(rig.sent.at(-1)?.reason).toBe('all alerts resolved');
    // The last end was at second 590.
    expect(rig.sent.at(-1)?.at).toBeGreaterThanOrEqual(890);
    expect(rig.pipeline.isFlapping(alert.fingerprint)).toBe(false);
  });

  it('does not hold the end of an alert that changes now and then', async () => {
    rig = opened = await pipelineRig(CONFIG, true, { flapping: { changes: 5, withinMs: 600_000, quietMs: 300_000 } });
    for (let turn = 0; turn < 3; turn += 1) {
      await rig.fire('1');
      await rig.advance(200);
      await rig.resolve('1');
      await rig.advance(200);
    }
    expect(rig.sent.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 3 }, () => ['first notification', 'all alerts resolved']).flat(),
    );
  });
});

/** `vitrine alerts`, `silence`, `notify test` and `explain alert`, against the real API. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { escalationConfig, oncallConfig, planOf } from '../../src/monitor/alerts/oncall/config.ts';
import { startAlertApi, type AlertApi } from '../support/alerts/alert-api.ts';
import { Labels } from '../../src/model/labels.ts';
import { pipelineRig, START, type Rig } from '../support/alerts/pipeline-rig.ts';
import { freshDir } from '../support/program.ts';
import { line } from '../monitor/store/records/record-fixture.ts';

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let rig: Rig;
let api: AlertApi;
let id: string;

beforeEach(async () => {
  rig = await pipelineRig(
    'route: { receiver: a, group_wait: 10s }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n',
  );
  api = await startAlertApi(rig);
  await rig.fire('1', { host: 'x\u001b[2J' }, { annotations: { summary: 'it is down' }, value: 5, threshold: '> 4' });
  id = [...rig.pipeline.alerts.values()][0].fingerprint;
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  process.stdout.write = (text: string) => ((out += text), true);
  process.stderr.write = (text: string) => ((err += text), true);
  try {
    return { code: await runCommandLine([...args, '--url', api.url, '--by', 'ann']), out, err };
  } finally {
    streams.forEach((stream, at) => (stream.write = originals[at]));
  }
}

describe('vitrine alerts replay, rules and noise', () => {
  it('plays a rule of the server or of a file, and says what it finds', async () => {
    const values = [0, 5, 5, 0, 5, 5, 5, 5].map((v, i) => ({ t: START + i * 1_000, v }));
    api.samples.add(Labels.from({ __name__: 'load', host: 'x' }), values);
    const file = path.join(freshDir('rule'), 'rule.yaml');
    writeFileSync(file, 'name: Load\nexpr: load > 3\n');
    const range = ['--from', new Date(START).toISOString(), '--to', new Date(START + 60_000).toISOString()];
    const { code, out } = await run('alerts', 'replay', '--rule', file, ...range);
    expect(code).toBe(0);
    expect(out).toContain('judged each 1s\nwould have fired 2 times and paged 1 times');
    expect(out).toContain('value 5  host=x severity=warning');
    expect(out).toContain('→ a (first notification)');
    expect(out).toContain('incidents: 0, missed: 0');
    const named = await run('alerts', 'replay', 'FromFile', ...range, '--json');
    expect(JSON.parse(named.out)).toMatchObject({ name: 'FromFile', step_seconds: 5 });
  });

  it('asks for one rule, and for a time that can be read', async () => {
    expect((await run('alerts', 'replay')).code).toBe(2);
    expect((await run('alerts', 'replay', 'A', '--rule', 'x')).code).toBe(2);
    expect((await run('alerts', 'replay', '--rule', '/nowhere')).code).toBe(2);
    expect((await run('alerts', 'replay', 'FromFile', '--since', 'long')).code).toBe(2);
    expect((await run('alerts', 'replay', 'FromFile', '--to', 'soon')).code).toBe(2);
  });

  it('prints the rule file and the noise report', async () => {
    expect((await run('alerts', 'rules')).out).toContain('alert: FromFile');
    await rig.advance(15);
    const noise = await run('alerts', 'noise', '--since', '52w');
    expect(noise.code).toBe(0);
    expect(noise.out).toContain('never fired: FromFile');
    expect(JSON.parse((await run('alerts', 'noise', '--json')).out)).toMatchObject({ complete: true });
  });
});

describe('vitrine alerts', () => {
  it('lists alerts and shows one with its care and history', async () => {
    const list = await run('alerts');
    expect(list.out).toContain(`${id}  firing  Down  host=x\\u001b[2J id=1`);
    expect(list.out).toContain('→ a: it is down');
    await run('alerts', 'ack', id.slice(0, 6));
    await run('alerts', 'assign', id, 'bob');
    await run('alerts', 'comment', id, 'looking at it');
    await rig.advance(15);
    const shown = await run('alerts', 'show', id);
    for (const text of [
      'value 5, condition > 4',
      'acknowledged by ann',
      'assigned to bob',
      'ann: looking at it',
      'It was sent 1 time.',
    ]) {
      expect(shown.out).toContain(text);
    }
    expect(shown.out).toMatch(/was sent to a\/webhook \(first notification\) {2}\(notification\)/);
    expect((await run('alerts', 'unack', id, '--json')).out).toContain('"fingerprint"');
    expect(JSON.parse((await run('alerts', '--json')).out)).toHaveLength(1);
  });

  it('explains why nobody was told', async () => {
    await run('alerts', 'snooze', id, '--for', '1h');
    await rig.advance(15);
    const { out } = await run('explain', 'alert', id);
    expect(out).toContain('Nobody was told of it.');
    expect(out).toContain('It is not sent now: snoozed by ann until');
    expect(out).toContain('Its group {}:{} for a is looked at next at');
    expect(out).toContain('(vitrine_snooze_muted_alert)');
    expect(out).toContain('Nothing is recorded of it.');
  });

  it('says what the flight recorder holds of an alert', async () => {
    await api.recordings.note(id, 'Down', START);
    api.records.add('logs', [line(START - 1_000), line(START + 1_000), line(START + 301_000)]);
    const { out } = await run('explain', 'alert', id);
    const [from, to, until] = [START - 600_000, START + 300_000, START - 600_000 + 14 * 86_400_000].map((ms) =>
      new Date(ms).toISOString(),
    );
    expect(out).toContain(`Recorded from ${from} to ${to}: 0 requests, 0 spans, 2 lines.`);
    expect(out).toContain(`kept until ${until}; vitrine requests, traces or logs --since ${from} --until ${to}`);
    expect(JSON.parse((await run('explain', 'alert', id, '--json')).out)).toMatchObject({
      recordings: [{ alert: id, name: 'Down', records: { logs: 2 } }],
    });
    api.recordings.release(api.recordings.held()[0], START + 60_000);
    await rig.state().change(() => {});
    const after = await run('explain', 'alert', id);
    expect(after.out).toContain(`released at ${new Date(START + 60_000).toISOString()}, because newer recordings`);
  });

  it('explains an alert that is over', async () => {
    await rig.advance(15);
    await rig.resolve('1', { host: 'x\u001b[2J' });
    await rig.advance(320);
    await rig.pipeline.sweep();
    expect((await run('alerts')).out).toContain('No alert fires.');
    const { out } = await run('explain', 'alert', id);
    expect(out).toContain('It was sent 2 times.');
    expect(JSON.parse((await run('explain', 'alert', id, '--json')).out)).toMatchObject({ alert: null });
  });

  it('says what is wrong with an id', async () => {
    expect(await run('alerts', 'ack', 'zzz')).toMatchObject({
      code: 2,
      err: expect.stringContaining('No alert has an id') as string,
    });
    expect((await run('explain', 'alert', '0000000000000000')).code).toBe(1);
  });
});

describe('vitrine silence', () => {
  it('previews, makes, lists and ends silences', async () => {
    expect((await run('silence', 'add', 'id=1')).code).toBe(2);
    const preview = await run('silence', 'add', 'id=1', '--dry-run');
    expect(preview.err).toContain('It would mute 1 of the alerts of now.');
    expect((await run('silence')).out).toContain('No silences.');
    const { out } = await run('silence', 'add', 'id=~"1|2"', 'alertname!=Up', '--for', '30m', '--comment', 'work');
    const made = out.trim();
    const list = await run('silence', 'list');
    expect(list.out).toContain(`${made}  active until`);
    expect(list.out).toContain('{id=~"1|2", alertname!="Up"}  mutes 1 of the alerts of now');
    expect(list.out).toContain('ann: work');
    expect((await run('alerts')).out).toContain('muted');
    expect((await run('silence', 'expire', made)).err).toContain('has ended');
    expect((await run('silence', 'list', '--expired')).out).toContain('expired');
    expect((await run('silence', 'expire', 'nobody')).code).toBe(1);
    expect(JSON.parse((await run('silence', 'list', '--json')).out)).toEqual([]);
  });
});

describe('vitrine notify, before anything is saved', () => {
  const fileWith = (text: string): string => {
    const file = path.join(freshDir('trial'), 'entry');
    writeFileSync(file, text);
    return file;
  };

  it('tries a channel of a file', async () => {
    const inside = await run('notify', 'test', '--kind', 'webhook', '--entry', fileWith('url: http://127.0.0.1:8099/'));
    expect(inside.code).toBe(5);
    expect(inside.out).toContain('webhook/0: failed: 127.0.0.1 is a loopback address.');
    expect(await run('notify', 'test', '--kind', 'webhook', '--entry', fileWith('{'))).toMatchObject({ code: 2 });
    expect(await run('notify', 'test', '--kind', 'webhook', '--entry', '/none')).toMatchObject({ code: 2 });
    expect(await run('notify', 'test', 'a', '--kind', 'webhook')).toMatchObject({ code: 2 });
    expect(await run('notify', 'test')).toMatchObject({ code: 2 });
  });

  it('shows a template over an example, or over an alert', async () => {
    const file = fileWith('{{ .CommonLabels.alertname }} {{ .Summary }}');
    expect((await run('notify', 'template', file)).out).toContain('VitrineTest A test of receiver trial');
    expect((await run('notify', 'template', file, '--alert', id)).out).toBe('Down it is down\n');
    expect(JSON.parse((await run('notify', 'template', file, '--alert', id, '--json')).out)).toEqual({
      text: 'Down it is down',
    });
    expect((await run('notify', 'template', fileWith('{{ .X'))).err).toContain('template: ');
  });
});

describe('vitrine notify test', () => {
  it('ends with 5 when a channel fails', async () => {
    expect(await run('notify', 'test', 'a')).toMatchObject({ code: 0, out: 'webhook/0: delivered\n' });
    rig.answer = () => ({ kind: 'failed', reason: 'other', retry: true, message: 'refused' });
    expect(await run('notify', 'test', 'a')).toMatchObject({ code: 5, out: 'webhook/0: failed: refused\n' });
    expect((await run('notify', 'test', 'nobody')).code).toBe(1);
  });
});

describe('vitrine oncall', () => {
  it('says who is on call now and next, and takes an override', async () => {
    expect((await run('oncall')).out).toContain('There is no schedule');
    await api[Symbol.asyncDispose]();
    await rig[Symbol.asyncDispose]();
    const oncall = oncallConfig.parse({
      people: { bob: 'a' },
      schedules: {
        primary: {
          zone: 'Europe/Berlin',
          rotations: [{ people: ['a', 'bob'], every: '7d', starts: '2026-11-30T09:00' }],
        },
      },
    });
    const escalation = escalationConfig.parse({ a: { steps: [{ notify: 'primary' }] } });
    const config = 'route: { receiver: a, group_wait: 0s }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n';
    rig = await pipelineRig(config, true, { oncall: planOf(oncall, escalation, new Set(['a'])).plan });
    api = await startAlertApi(rig);
    const list = await run('oncall');
    expect(list.out).toContain('primary (Europe/Berlin): a until 2026-12-07 09:00:00, on call in primary');
    expect(list.out).toContain('from 2026-12-07 09:00:00: bob');
    const made = await run('oncall', 'override', 'primary', 'bob', '--from', '2026-12-01T18:00', '--for', '2h');
    expect(made.err).toContain('From 2026-12-01T17:00:00.000Z to 2026-12-01T19:00:00.000Z.');
    expect((await run('oncall', 'list', '--at', '2026-12-01T19:00')).out).toContain(
      'bob until 2026-12-01 20:00:00, an override',
    );
    expect((await run('oncall', 'override', 'primary', 'nobody', '--for', '2h')).code).not.toBe(0);
    expect((await run('oncall', 'override', 'what', 'bob', '--for', '2h')).code).not.toBe(0);
    expect((await run('oncall', 'override', 'primary', 'bob')).code).not.toBe(0);
    expect((await run('oncall', '--at', 'soon')).code).not.toBe(0);
    await rig.fire('1');
    await rig.advance(5);
    expect((await run('oncall')).out).toContain('step 1, told a');
    const { overrides } = JSON.parse((await run('oncall', '--json')).out) as { overrides: { id: string }[] };
    expect((await api.send('DELETE', `/api/oncall/overrides/${overrides[0].id}`)).status).toBe(200);
    expect((await api.send('DELETE', `/api/oncall/overrides/${overrides[0].id}`)).status).toBe(404);
  });
});

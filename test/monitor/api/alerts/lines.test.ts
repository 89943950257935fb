/** The figures of alerts for the small charts beside them: `GET /api/alerts/lines`. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { MAX_LINES } from '../../../../src/monitor/alerts/made/alert-lines.ts';
import type { LinesAnswer } from '../../../../src/monitor/api/alerts/rule-contract.ts';
import { alertView } from '../../../../src/monitor/api/views.ts';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
let api: AlertApi;
beforeEach(async () => {
  rig = await pipelineRig('route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n');
  api = await startAlertApi(rig);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

const SHOWN = { annotations: {}, state: 'firing', activeAtMs: START, firedAtMs: START, value: 1, reason: '' } as const;
const show = (labels: Record<string, string>): string => {
  const view = alertView({ ...SHOWN, labels: Labels.from(labels) });
  api.shown.push(view);
  return view.fingerprint;
};
const lines = async (query = `from=${START}&to=${START + 60_000}`): Promise<LinesAnswer> =>
  (await api.get(`/api/alerts/lines?${query}`)).body as LinesAnswer;

it('has the figure of each alert with the limits of its rule, and nothing for alerts of others', async () => {
  for (const host of ['a', 'b']) {
    const points = [0, 1, 2].map((at) => ({ t: START + at * 1_000, v: host === 'a' ? at : 10 * at }));
    api.samples.add(Labels.from({ __name__: 'load', host, severity: 'of the series' }), points);
  }
  const rule = {
    name: 'Load',
    expr: 'load > 1 or load < -2',
    severity: 'critical',
    labels: { team: '{{ $labels.host }}' },
  };
  expect((await api.send('POST', '/api/alerts', rule)).status).toBe(201);
  const b = show({ alertname: 'Load', severity: 'critical', team: 'b', host: 'b' });
  show({ alertname: 'Load', severity: 'critical', team: 'c', host: 'c' });
  show({ alertname: 'FromPrometheus', host: 'b' });
  const answer = await lines();
  expect(answer).toMatchObject({ step_seconds: 1, left_out: 0, lines: [{ fingerprint: b }] });
  const [{ values, limits }] = answer.lines;
  expect(values).toHaveLength(61);
  expect(values.slice(0, 3)).toEqual([0, 10, 20]);
  expect(limits).toEqual([
    { op: '>', limit: 1 },
    { op: '<', limit: -2 },
  ]);
});

it('takes the rule whose own labels the alert has, when two have its name', async () => {
  api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 3 }]);
  const rule = { name: 'FromFile', expr: 'load > 2', severity: 'critical', labels: { team: 'b' } };
  expect((await api.send('POST', '/api/alerts', rule)).status).toBe(201);
  const ids = [show({ alertname: 'FromFile', severity: 'critical', team: 'b' }), show({ alertname: 'FromFile' })];
  const found = new Map((await lines()).lines.map(({ fingerprint, limits }) => [fingerprint, limits[0]?.limit]));
  expect(ids.map((id) => found.get(id))).toEqual([2, 1]);
});

it('asks once for all who want the same, and again some seconds later', async () => {
  show({ alertname: 'FromFile' });
  expect((await lines()).lines).toEqual([]);
  api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 3 }]);
  expect((await lines()).lines).toEqual([]);
  await rig.advance(6);
  expect((await lines()).lines[0]?.values[0]).toBe(3);
});

it('asks again some seconds later when the wall clock was set back meanwhile', async () => {
  show({ alertname: 'FromFile' });
  expect((await lines()).lines).toEqual([]);
  api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 3 }]);
  rig.clock.step(-3_600_000);
  await rig.advance(6);
  expect((await lines()).lines[0]?.values[0]).toBe(3);
});

it('leaves out alerts and rules beyond the limits, and says how many', async () => {
  api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 3 }]);
  for (let at = 0; at < MAX_LINES + 7; at += 1) show({ alertname: 'FromFile', at: String(at) });
  expect((await lines()).left_out).toBe(7);
  for (let at = 0; at < 31; at += 1) {
    await api.send('POST', '/api/alerts', { name: `R${at}`, expr: 'load > 1' });
    api.shown.splice(at, 1, alertView({ ...SHOWN, labels: Labels.from({ alertname: `R${at}` }) }));
  }
  api.shown.splice(31);
  const answer = await lines();
  expect([answer.lines.length, answer.left_out]).toEqual([30, 1]);
});

it('refuses ranges that are none, and leaves out a rule whose figure cannot be asked for', async () => {
  for (const query of [`from=${START}&to=${START}`, 'from=x', 'from=2030-01-01T00:00:00Z'])
    expect((await api.get(`/api/alerts/lines?${query}`)).status).toBe(400);
  for (const host of ['a', 'b']) api.samples.add(Labels.from({ __name__: 'twice', host }), [{ t: START, v: 1 }]);
  await api.send('POST', '/api/alerts', { name: 'Broken', expr: 'twice * on () twice > 1' });
  show({ alertname: 'Broken' });
  expect(await lines()).toMatchObject({ lines: [] });
  // However long the range, there are no more points.
  show({ alertname: 'FromFile' });
  api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 3 }]);
  const [{ values }] = (await lines(`from=${START - 60 * 86_400_000}&to=${START}`)).lines;
  expect([values.length, values.at(-1)]).toEqual([61, 3]);
});

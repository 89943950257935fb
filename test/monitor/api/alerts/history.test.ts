/** When alerts fired, from the ledger: each time once, whatever the groups, and with the end of those on trial. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HistoryAnswer } from '../../../../src/monitor/api/alerts/contract.ts';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

const CONFIG = `
route:
  receiver: a
  group_by: [alertname]
  group_wait: 5s
  group_interval: 20s
  routes: [{ receiver: b, continue: true }, { receiver: a }]
receivers:
- { name: a, webhook_configs: [{ to: a }] }
- { name: b, webhook_configs: [{ to: b }] }
`;

let rig: Rig;
let api: AlertApi;
beforeEach(async () => {
  rig = await pipelineRig(CONFIG);
  api = await startAlertApi(rig);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

/** Begin and end of each in seconds since the start, oldest first. */
async function spans(): Promise<(number | null)[][]> {
  const { alerts } = (await api.get('/api/alerts/history')).body as HistoryAnswer;
  const seconds = (time: string | null): number | null => (time === null ? null : (Date.parse(time) - START) / 1_000);
  return alerts.map(({ began, ended }) => [seconds(began), seconds(ended)]).toReversed();
}

it('has an alert of two groups once', async () => {
  await rig.fire('1');
  await rig.advance(10);
  await rig.resolve('1');
  await rig.advance(60);
  expect(rig.events({ type: 'alert_resolved' })).toHaveLength(2);
  expect(await spans()).toEqual([[0, 10]]);
});

it('has each time of an alert that fires again, also while it fires', async () => {
  await rig.fire('1');
  await rig.advance(10);
  await rig.resolve('1');
  await rig.advance(30);
  await rig.fire('1');
  await rig.advance(10);
  expect(await spans()).toEqual([
    [0, 10],
    [40, null],
  ]);
  expect((await api.get(`/api/alerts/noise`)).body).toMatchObject({ rules: [{ name: 'Down', fired: 2 }] });
});

it('has the end of an alert that fired again before its groups were looked at', async () => {
  await rig.fire('1');
  await rig.advance(10);
  await rig.resolve('1');
  await rig.advance(2);
  await rig.fire('1');
  await rig.advance(30);
  const [first, second] = await spans();
  expect([first[0], second]).toEqual([0, [12, null]]);
  expect(first[1]).not.toBeNull();
});

it('has the end of an alert on trial', async () => {
  const trial = { vitrine_trial: 'true' };
  await rig.fire('1', trial);
  await rig.advance(10);
  await rig.resolve('1', trial);
  expect(await spans()).toEqual([[0, 10]]);
});

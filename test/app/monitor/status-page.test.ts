import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openStatusPage } from '../../../src/app/monitor/status-page.ts';
import { settingsSchema } from '../../../src/app/process/settings-schema.ts';
import { Scope } from '../../../src/base/scope.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { Labels } from '../../../src/model/labels.ts';
import { Maintenance } from '../../../src/monitor/alerts/notify/state/maintenance.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import { fingerprintOf } from '../../../src/monitor/alerts/notify/steps/fingerprint.ts';
import { Notices, STATUS_OWNER } from '../../../src/monitor/status/notices.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { compileTarget } from '../../../src/monitor/targets/config/compile.ts';
import { targetConfig } from '../../../src/monitor/targets/config/schema.ts';
import { CheckFile } from '../../../src/monitor/targets/history/check-file.ts';
import { TARGETS_OWNER, TargetTables } from '../../../src/monitor/targets/history/target-tables.ts';
import { readModules } from '../../../src/monitor/targets/probe/modules.ts';
import { Targets } from '../../../src/monitor/targets/targets.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

const T = 1_800_000_000_000;
const alert: Alert = {
  labels: Labels.from({ alertname: 'TargetDown', target: 'Inner Shop' }),
  annotations: {},
  state: 'firing',
  activeAtMs: T,
  value: 0,
  reason: '',
};
const failed = (timeMs: number) => ({
  success: false,
  reason: 'refused',
  phases: {},
  series: [],
  evidence: { sent: 'GET /', address: '127.0.0.1' },
  timeMs,
  durationSeconds: 0.01,
  traceId: '',
});

test('the public port shows the checks of published targets, and an incident ends with its alert', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'status-page-'));
  const clock = new FastClock(T);
  const scope = new Scope(clock);
  const owners = [TARGETS_OWNER, STATUS_OWNER, NOTIFY_OWNER];
  const state = openStateDatabase({ dir, owners, clock, logger: recordingLogger() });
  const tools = { modules: readModules(undefined, ''), read: () => '' };
  const targets = new Targets({
    clock,
    samples: { resolve: () => 1, generation: 1, append: () => Promise.resolve({ accepted: 1, rejected: [] }) },
    tables: new TargetTables(state),
    openFile: () => new CheckFile(dir),
    runner: { replace() {}, probe: () => Promise.reject(new Error('not here')) },
    tools,
    inMaintenance: () => false,
    onError() {},
  });
  const port = await freePort();
  const settings = settingsSchema.parse({
    balancer: {},
    status_page: {
      listen: `127.0.0.1:${port}`,
      components: [
        { name: 'Shop', targets: ['Inner Shop'] },
        { name: 'Later', targets: ['made later'] },
      ],
    },
  });
  let alerts: Alert[] = [alert];
  const maintenance = new Maintenance(state);
  const window = { fromMs: T + 3_600_000, toMs: T + 7_200_000 };
  await maintenance.set({
    name: 'inner-window',
    matchers: [{ name: 'target', op: '=', value: 'Inner Shop' }],
    schedule: { kind: 'once', ...window },
    createdBy: 'inner ada',
    comment: 'inner words',
  });
  const parts = { targets, state, alerts: () => alerts, maintenance, clock, rareLine: () => {} };
  expect(openStatusPage({ ...parts, settings: { ...settings, status_page: undefined } })).toBeUndefined();
  targets.replaceFile([compileTarget(targetConfig.parse({ name: 'Inner Shop', tcp: '127.0.0.1:1' }), 'file', tools)]);
  for (const at of [0, 1_000]) await targets.take([{ target: 'inner-shop', lateMs: 0, result: failed(T + at) }]);
  await clock.moveTo(T + 5_000);
  const opened = openStatusPage({ ...parts, settings });
  await opened?.begin(scope);
  const text = await (await fetch(`http://127.0.0.1:${port}/status.json`)).text();
  expect(JSON.parse(text)).toMatchObject({
    state: 'outage',
    components: [
      { name: 'Shop', state: 'outage', uptime: { '7d': 0 } },
      { name: 'Later', state: 'unknown', uptime: { '7d': null } },
    ],
    incidents: [
      {
        title: 'Maintenance of Shop',
        phase: 'planned',
        components: ['Shop'],
        start: new Date(window.fromMs).toISOString(),
      },
    ],
  });
  expect(text).not.toMatch(/inner|made later/i);

  const fingerprint = fingerprintOf(alert.labels);
  const origin = { by: 'ada', alert: fingerprint, follow: true };
  const content = { kind: 'incident', title: 'x', impact: 'outage', components: [], startMs: T, endMs: null } as const;
  const own = new Notices(state);
  const { id } = await own.create(content, { atMs: T, stage: 'investigating', text: '' }, origin, T);
  // The page of a monitor that starts now knows the incident of the one before.
  const second = new Scope(clock);
  await scope.close();
  await openStatusPage({ ...parts, settings })?.begin(second);
  await clock.moveTo(T + 60_000);
  expect(new Notices(state).get(id).endMs).toBeNull();
  alerts = [{ ...alert, resolvedAtMs: T + 61_000 }];
  await clock.moveTo(T + 90_000);
  await until(() => new Notices(state).get(id).endMs !== null);
  expect(new Notices(state).get(id).updates.at(-1)).toMatchObject({
    stage: 'resolved',
    text: 'The disturbance is over.',
  });
  await second.close();
  targets.close();
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

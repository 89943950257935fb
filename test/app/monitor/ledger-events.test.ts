/** One scripted run yields all ten event types of Alertmanager's event recorder, with their reasons, and keeps them, as lines too. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { rareLines } from '../../../src/base/logger.ts';
import { Scope } from '../../../src/base/scope.ts';
import { FlightRecorder } from '../../../src/app/monitor/records/flight-recorder.ts';
import { openNotifications } from '../../../src/app/monitor/notifications.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { AlertCare } from '../../../src/monitor/api/alerts/care.ts';
import { matcherOf } from '../../../src/monitor/alerts/notify/file/matchers.ts';
import { eventLine } from '../../../src/monitor/alerts/notify/state/ledger.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { freshDir } from '../../support/program.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const FILE = `route: { receiver: r, group_by: [alertname], group_wait: 1s, group_interval: 10s, repeat_interval: 20s }
receivers: [{ name: r }]
inhibit_rules: [{ name: big, source_matchers: ['alertname="Big"'], target_matchers: ['alertname="Small"'] }]
`;
const REASONS = [
  'FIRST_NOTIFICATION',
  'NEW_ALERTS_IN_GROUP',
  'NEW_RESOLVED_ALERTS',
  'ALL_ALERTS_RESOLVED',
  'REPEAT_INTERVAL_ELAPSED',
];

it('records every type and every reason, and writes each as a line of JSON', async () => {
  const dir = freshDir('events');
  const file = path.join(dir, 'am.yml');
  writeFileSync(file, FILE);
  const clock = movedClock(Date.UTC(2026, 11, 1));
  const logger = recordingLogger();
  const lines = path.join(dir, 'ledger.ndjson');
  const settings = settingsFrom(
    `notify: { file: ${file}, receivers: { r: { console: [{}] } }, ledger: { file: ${lines} } }`,
    { env: {} },
  );
  const state = openStateDatabase({ dir, owners: [NOTIFY_OWNER], clock, logger });
  const scope = new Scope(clock);
  const { pipeline, ledger, contextOf, trials } = openNotifications(
    {
      settings,
      state,
      clock,
      logger,
      rareLine: rareLines(logger, clock),
      version: '1',
      logs: { search: () => Promise.resolve([]) },
      spans: { find: () => Promise.resolve([]), trace: () => Promise.resolve([]) },
      recorder: new FlightRecorder(settings.store.flight_recorder),
    },
    scope,
  );
  const care = new AlertCare({
    pipeline,
    ledger,
    clock,
    version: '1',
    about: { contextOf, trials, ruleOf: () => undefined },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const advance = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 1) {
      await clock.advance(1_000);
      await settle();
    }
  };
  const fire = (alertname: string, id: string): Promise<string[]> =>
    pipeline.take([{ labels: { alertname, id }, startsAtMs: clock.now(), endsAtMs: clock.now() + 86_400_000 }]);
  const resolve = (alertname: string, id: string): Promise<string[]> =>
    pipeline.take([{ labels: { alertname, id }, endsAtMs: clock.now() }]);

  await fire('Big', '1');
  await fire('Small', '1');
  const now = clock.now();
  const silence = { matchers: [matcherOf('=', 'alertname', 'Quiet')], createdBy: 'ann', comment: 'c', annotations: {} };
  const made = await care.setSilence({ ...silence, startsAtMs: now, endsAtMs: now + 3_600_000 });
  await care.setSilence({ ...silence, id: made.id, startsAtMs: made.startsAtMs, endsAtMs: now + 7_200_000 });
  await fire('Quiet', '1');
  await advance(2);
  await fire('Big', '2');
  await advance(10);
  await resolve('Big', '2');
  await advance(10);
  await advance(40);
  await resolve('Big', '1');
  await advance(12);
  await scope.close();

  const events = ledger.query({ limit: 1_000 });
  const types = new Set(events.map(({ type }) => type).filter((type) => !type.startsWith('vitrine_')));
  expect(types).toEqual(
    new Set([
      'alert_created',
      'alert_grouped',
      'alert_resolved',
      'alertmanager_shutdown_event',
      'alertmanager_startup_event',
      'inhibition_muted_alert',
      'notification',
      'silence_created',
      'silence_muted_alert',
      'silence_updated',
    ]),
  );
  const reasons = events.filter(({ type }) => type === 'notification').map(({ data }) => data['reason']);
  expect(new Set(reasons)).toEqual(new Set(REASONS.map((reason) => `NOTIFY_REASON_${reason}`)));
  const written = readFileSync(lines, 'utf8').trimEnd().split('\n');
  expect(written).toEqual(events.toReversed().map(eventLine));
  for (const line of written) expect(typeof JSON.parse(line)).toBe('object');
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

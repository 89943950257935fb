/** Alerts that begin to fire are recorded, whoever sends them, and the API shows what there is of them. */
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rareLines } from '../../../src/base/logger.ts';
import { Scope } from '../../../src/base/scope.ts';
import { FlightRecorder } from '../../../src/app/monitor/records/flight-recorder.ts';
import { openNotifications } from '../../../src/app/monitor/notifications.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { TRIAL_LABEL } from '../../../src/monitor/alerts/rules/spec.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import type { RecordingsAnswer } from '../../../src/monitor/api/alerts/contract.ts';
import { recordingRoutes } from '../../../src/monitor/api/alerts/recording-routes.ts';
import type { Call } from '../../../src/monitor/api/routes.ts';
import { RECORDING_TABLES } from '../../../src/monitor/store/state/recordings.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { freshDir } from '../../support/program.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { line } from '../../monitor/store/records/record-fixture.ts';

const NOW = Date.UTC(2026, 11, 1);
const DAY = 86_400_000;

function alert(name: string, given: Partial<Alert> = {}, labels: Record<string, string> = {}): Alert {
  return {
    labels: Labels.from({ alertname: name, ...labels }),
    annotations: {},
    state: 'firing',
    activeAtMs: NOW - 60_000,
    firedAtMs: NOW,
    value: 1,
    reason: 'so',
    ...given,
  };
}

async function notified(
  config: string,
  work: (parts: Awaited<ReturnType<typeof started>>) => Promise<void>,
): Promise<void> {
  const parts = await started(config);
  try {
    await work(parts);
  } finally {
    await parts.scope.close();
    await parts.state[Symbol.asyncDispose]();
    rmSync(parts.dir, { recursive: true });
  }
}

async function started(config: string) {
  const dir = freshDir('flight');
  const clock = movedClock(NOW);
  const logger = recordingLogger();
  const settings = settingsFrom(config, { env: {} });
  const state = openStateDatabase({ dir, owners: [NOTIFY_OWNER, RECORDING_TABLES], clock, logger });
  const scope = new Scope(clock);
  const recorder = new FlightRecorder(settings.store.flight_recorder);
  scope.add(
    'recordings',
    recorder.begin(state, (error) => {
      throw error;
    }),
  );
  const { pipeline, sink } = openNotifications(
    {
      settings,
      state,
      clock,
      logger,
      rareLine: rareLines(logger, clock),
      version: '1',
      logs: { search: () => Promise.resolve([]) },
      spans: { find: () => Promise.resolve([]), trace: () => Promise.resolve([]) },
      recorder,
    },
    scope,
  );
  const settle = (): Promise<void> => state.change(() => {});
  return { dir, clock, state, scope, recorder, pipeline, sink, settle };
}

async function asked(recorder: FlightRecorder, records: ArrayRecords, query: string): Promise<RecordingsAnswer> {
  const [{ handler }] = recordingRoutes(recorder, records, 14 * DAY);
  return (await handler({ query: new URLSearchParams(query) } as unknown as Call)) as RecordingsAnswer;
}

it('records alerts of the rules and of other programs once, and none on trial', async () => {
  await notified('', async ({ recorder, pipeline, sink, settle, clock }) => {
    await sink.alerts([alert('Slow'), alert('Tried', {}, { [TRIAL_LABEL]: 'true' })], NOW);
    await sink.alerts([alert('Slow')], NOW + 60_000);
    await pipeline.take([{ labels: { alertname: 'Posted' }, startsAtMs: NOW + 1_000, endsAtMs: NOW + DAY }]);
    await settle();
    const records = new ArrayRecords();
    records.add('logs', [line(NOW - 599_000), line(NOW), line(NOW + 299_000), line(NOW + 301_000)]);
    const all = await asked(recorder, records, '');
    expect(all).toMatchObject({ enabled: true, held: 2, released: 0 });
    expect(all.recordings.map(({ name }) => name)).toEqual(['Posted', 'Slow']);
    const own = await asked(recorder, records, `alert=${all.recordings[1].alert}`);
    expect(own.recordings).toEqual([
      {
        alert: all.recordings[1].alert,
        name: 'Slow',
        starts_at: '2026-12-01T00:00:00.000Z',
        from: '2026-11-30T23:50:00.000Z',
        to: '2026-12-01T00:05:00.000Z',
        kept_until: '2026-12-14T23:50:00.000Z',
        released_at: null,
        records: { logs: 3, traces: 0, requests: 0 },
      },
    ]);
    expect(recorder.held()).toHaveLength(2);
    recorder.release(recorder.held()[0], clock.now());
    await settle();
    const after = await asked(recorder, records, `alert=${all.recordings[1].alert}`);
    expect(after.recordings[0]).toMatchObject({ kept_until: null, released_at: '2026-12-01T00:00:00.000Z' });
    expect(after).toMatchObject({ held: 1, released: 1 });
  });
});

it('records alerts that are handed over to an Alertmanager', async () => {
  await notified('notify: { alertmanager: { url: "http://127.0.0.1:1" } }', async ({ recorder, sink, settle }) => {
    const quiet = [
      alert('Pending', { state: 'pending', firedAtMs: undefined }),
      alert('Over', { resolvedAtMs: NOW }),
      alert('Tried', {}, { [TRIAL_LABEL]: 'true' }),
    ];
    await sink.alerts([alert('Slow'), ...quiet], NOW);
    await settle();
    expect(recorder.recordings?.list(9).map(({ name }) => name)).toEqual(['Slow']);
  });
});

it('records nothing while it is switched off', async () => {
  await notified('store: { flight_recorder: { max_size: 0 } }', async ({ recorder, sink, settle }) => {
    await sink.alerts([alert('Slow')], NOW);
    await settle();
    recorder.release({ alert: '', name: '', startsAtMs: 0, fromMs: 0, toMs: 0, releasedAtMs: undefined }, NOW);
    expect(recorder.held()).toEqual([]);
    expect(await asked(recorder, new ArrayRecords(), '')).toEqual({
      enabled: false,
      recordings: [],
      held: 0,
      released: 0,
    });
  });
});

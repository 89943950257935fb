/** A status page over made-up targets, for tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { statusPageConfig, type StatusPageConfig } from '../../../src/monitor/status/config.ts';
import type { TargetPast } from '../../../src/monitor/status/component-days.ts';
import { Notices, STATUS_OWNER, type Notice, type NoticeContent } from '../../../src/monitor/status/notices.ts';
import { Publisher, type PublishedTargets } from '../../../src/monitor/status/publisher.ts';
import type { TargetNow } from '../../../src/monitor/status/view.ts';
import { openStateDatabase, type StateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
/** 2027-01-15 08:00 UTC. */
export const NOW = 1_800_000_000_000;
export const T = Math.floor(NOW / DAY) * DAY;

export interface Rig extends AsyncDisposable {
  readonly clock: FastClock;
  readonly config: StatusPageConfig;
  readonly state: StateDatabase;
  readonly notices: Notices;
  readonly publisher: Publisher;
  readonly targets: PublishedTargets & { readonly known: Map<string, Known>; failing: boolean };
  readonly errors: unknown[];
  /** What windows announce; tests put it here. */
  readonly windows: { make: (nowMs: number) => readonly Notice[] };
  readonly announced: (nowMs: number) => readonly Notice[];
}

export interface Known {
  readonly now: TargetNow;
  readonly past: TargetPast;
}

export const up: Known = {
  now: { state: 'up', maintenance: false },
  past: { runs: [{ fromMs: T - 10 * DAY, toMs: NOW, state: 'up' }], maintenance: [] },
};
/** Down since an hour ago. */
export const down: Known = {
  now: { state: 'down', maintenance: false },
  past: {
    runs: [
      { fromMs: T - 10 * DAY, toMs: NOW - HOUR, state: 'up' },
      { fromMs: NOW - HOUR, toMs: NOW, state: 'down' },
    ],
    maintenance: [],
  },
};

export function statusRig(written: Readonly<Record<string, unknown>>): Rig {
  const dir = mkdtempSync(path.join(tmpdir(), 'status-'));
  const clock = new FastClock(NOW);
  const state = openStateDatabase({ dir, owners: [STATUS_OWNER], clock, logger: recordingLogger() });
  const config = statusPageConfig.parse(written);
  const notices = new Notices(state);
  const errors: unknown[] = [];
  const known = new Map<string, Known>();
  const targets = {
    known,
    failing: false,
    now: (name: string) => known.get(name)?.now,
    past(name: string) {
      if (targets.failing) throw new Error('disk I/O error');
      return known.get(name)?.past;
    },
  };
  const windows: Rig['windows'] = { make: () => [] };
  const announced = (nowMs: number): readonly Notice[] => windows.make(nowMs);
  const onError = (error: unknown): unknown => errors.push(error);
  const publisher = new Publisher({ config, targets, notices, announced, clock, onError });
  return {
    clock,
    config,
    state,
    notices,
    publisher,
    targets,
    errors,
    windows,
    announced,
    async [Symbol.asyncDispose]() {
      await state[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export const incident = (more: Partial<NoticeContent> = {}): NoticeContent => ({
  kind: 'incident',
  title: 'Card payments fail',
  impact: 'degraded',
  components: ['Shop'],
  startMs: NOW - HOUR,
  endMs: null,
  ...more,
});

export const HAND = { by: 'ada', alert: null, follow: false } as const;

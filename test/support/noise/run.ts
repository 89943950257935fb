/**
 * Runs a time of the team's week in fast time through the real parts: log windows, store, PromQL, rule engine and the rule
 * files of `rules/`. Returns the pages: each time that an alert begins to fire whose severity is more than `info`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { every } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type { LogSink } from '../../../src/model/ports.ts';
import { builtinRules } from '../../../src/monitor/alerts/rules/builtin.ts';
import { RuleEngine } from '../../../src/monitor/alerts/rules/engine.ts';
import { LogWindows } from '../../../src/monitor/ingest/lines/log-windows.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { compileMatcher } from '../../../src/monitor/promql/syntax/matchers.ts';
import { openSampleStore } from '../../../src/monitor/store/open-sample-store.ts';
import { FastClock } from '../fast-clock.ts';
import type { Condition } from './schedule.ts';
import { Team } from './team.ts';

/** Monday, midnight. */
export const WEEK_BEGINS_MS = Date.UTC(2026, 10, 23);
/** Figures are collected this long before the instants at which rules are evaluated. */
const COLLECTED_BEFORE_MS = 300;

export interface Page {
  /** Seconds from the begin of the week. */
  readonly atS: number;
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface NoiseOptions {
  readonly seed: number;
  readonly conditions: readonly Condition[];
  readonly fromS: number;
  readonly toS: number;
  /**
   * Seconds from one tick to the next while nothing happens; default 1. The week is 600,000 seconds, and in nine tenths of them
   * every number only varies by chance: at 15 all rules are still evaluated there with all their windows filled, less often.
   */
  readonly calmStepS?: number | undefined;
}

/**
 * Around the begin and the end of a condition each second is run: for so long before, and until the windows of a minute hold
 * nothing of what was before. In between a long condition is calm. An incident is run whole.
 */
const AROUND_S = { before: 15, after: 75 };

/** The seconds that are run, each with the seconds that have passed since the one before. */
function* ticks({
  conditions,
  fromS,
  toS,
  calmStepS = 1,
}: NoiseOptions): Generator<readonly [s: number, stepS: number]> {
  const eventful = new Uint8Array(toS - fromS + 1);
  const mark = (beginS: number, endS: number): void =>
    void eventful.fill(1, Math.max(0, beginS - AROUND_S.before - fromS), Math.max(0, endS + AROUND_S.after - fromS));
  for (const { startS, endS, alert } of conditions) {
    if (alert !== undefined) mark(startS, endS);
    mark(startS, startS);
    mark(endS, endS);
  }
  let last = fromS;
  for (let s = fromS + 1; s <= toS; s += 1) {
    if (eventful[s - fromS] === 0 && s % calmStepS !== 0 && s < toS) continue;
    yield [s, s - last];
    last = s;
  }
}

const NOWHERE: LogSink = { append: () => ({ accepted: 0, rejected: [] }) };

/** Not `info`: those are shown and wake nobody. */
const isPage = ({ state, labels, firedAtMs }: Alert, nowMs: number): boolean =>
  state === 'firing' && firedAtMs === nowMs && labels.get('severity') !== 'info';

export async function runNoise(options: NoiseOptions): Promise<Page[]> {
  const { seed, conditions, fromS } = options;
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-noise-'));
  const clock = new FastClock(WEEK_BEGINS_MS + fromS * 1_000, WEEK_BEGINS_MS);
  const logger = silentLogger;
  const samples = openSampleStore({ dir, compileMatcher, clock, logger, minFreeBytes: 0 });
  const pages: Page[] = [];
  const windows = new LogWindows({ sink: NOWHERE, clock });
  const stopWindows = every(
    clock,
    1_000,
    async (nowMs) => void (await windows.samples(nowMs, samples)),
    (error) => {
      throw error;
    },
  );
  const rules = new RuleEngine({
    groups: builtinRules(),
    querier: embeddedQuerier(samples, { clock }),
    samples,
    alerts: {
      alerts: (alerts, nowMs) => {
        for (const alert of alerts.filter((one) => isPage(one, nowMs)))
          pages.push({
            atS: (nowMs - WEEK_BEGINS_MS) / 1_000,
            alert: alert.labels.get('alertname'),
            labels: alert.labels.toJSON(),
          });
      },
    },
    clock,
    logger,
  });
  rules.start();
  try {
    const team = new Team(seed, conditions, samples);
    for (const [s, stepS] of ticks(options)) {
      const instantMs = WEEK_BEGINS_MS + s * 1_000;
      if (stepS === 1) await clock.moveTo(instantMs - COLLECTED_BEFORE_MS);
      else clock.jumpTo(instantMs - COLLECTED_BEFORE_MS);
      await windows.append(await team.seconds(s, stepS, instantMs - COLLECTED_BEFORE_MS));
      if (stepS > 1) clock.jumpTo(instantMs);
      await clock.moveTo(instantMs);
    }
    const unhealthy = rules.groups().flatMap((group) => group.rules.filter(({ health }) => health === 'err'));
    if (unhealthy.length > 0) throw new Error(`Rules failed: ${JSON.stringify(unhealthy)}`);
    return pages;
  } finally {
    stopWindows();
    await rules.close();
    await samples.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

/**
 * The thresholds on log lines at their exact edges, second by second, through the real windows, store, PromQL, rule engine and
 * rule files; and the one-minute buckets of the last hour beside a script over the raw lines.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { every } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { LogRecord } from '../../../src/model/records.ts';
import type { Querier } from '../../../src/model/ports.ts';
import { builtinRules } from '../../../src/monitor/alerts/rules/builtin.ts';
import { RuleEngine } from '../../../src/monitor/alerts/rules/engine.ts';
import { timeseriesAnswer } from '../../../src/monitor/api/timeseries.ts';
import { LogWindows } from '../../../src/monitor/ingest/lines/log-windows.ts';
import { logAnalytics } from '../../../src/monitor/insight/log-analytics.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { compileMatcher } from '../../../src/monitor/promql/syntax/matchers.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { openSampleStore } from '../../../src/monitor/store/open-sample-store.ts';
import type { SampleStore } from '../../../src/monitor/store/sample-store.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { lineOf } from '../../support/records/plain-records.ts';
import { mulberry32 } from '../../support/records/seeded.ts';

const BEGIN_MS = Date.UTC(2026, 10, 23, 10);
let dir: string;
let clock: FastClock;
let samples: SampleStore;
let windows: LogWindows;
let querier: Querier;
let stored: ArrayRecords;
let stop: () => void;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-thresholds-'));
  clock = new FastClock(BEGIN_MS);
  samples = openSampleStore({ dir, compileMatcher, clock, logger: silentLogger, minFreeBytes: 0 });
  stored = new ArrayRecords(1_000);
  windows = new LogWindows({ sink: stored.logSink, clock });
  querier = embeddedQuerier(samples, { clock });
  const fail = (error: unknown): never => {
    throw error;
  };
  stop = every(clock, 1_000, async (nowMs) => void (await windows.samples(nowMs, samples)), fail);
});
afterEach(async () => {
  stop();
  await samples.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (seconds: number): Promise<void> => clock.moveTo(BEGIN_MS + seconds * 1_000);
async function log(service: string, lines: number, errors = 0): Promise<void> {
  const line = (n: number): LogRecord => lineOf({ timeMs: clock.now(), service, severity: n < errors ? 17 : 9 });
  await windows.append(Array.from({ length: lines }, (_, n) => line(n)));
}

describe('the built-in thresholds on log lines', () => {
  let rules: RuleEngine;
  beforeEach(() => {
    rules = new RuleEngine({
      groups: builtinRules().filter(({ name }) => name === 'vitrine-logs'),
      querier,
      samples,
      alerts: { alerts: () => {} },
      clock,
      logger: silentLogger,
    });
    rules.start();
  });
  afterEach(() => rules.close());

  const firing = (): string[] =>
    rules
      .alerts()
      .filter(({ state }) => state === 'firing')
      .map(({ labels }) => `${labels.get('alertname')} ${labels.get('service')}`)
      .sort();

  it('hold at 10 errors of 100 lines and at 100 lines a minute, and are exceeded by one more', async () => {
    await at(0.5);
    await log('ten-of-100', 100, 10);
    await log('eleven-of-100', 100, 11);
    await log('101-lines', 101);
    await at(3.2);
    expect(firing()).toEqual(['HighErrorRate eleven-of-100', 'HighLogRate 101-lines']);
    // One line more for those at the edge.
    await log('ten-of-100', 1, 1);
    await at(6.2);
    expect(firing()).toEqual([
      'HighErrorRate eleven-of-100',
      'HighErrorRate ten-of-100',
      'HighLogRate 101-lines',
      'HighLogRate ten-of-100',
    ]);
    // The lines of 0.5 s are in the window of the last minute up to 60 s, and no longer at 61 s.
    await at(60.2);
    expect(firing()).toHaveLength(4);
    await at(62.2);
    expect(firing()).toEqual([]);
  });

  it('take a service as silent after 121 s, not after 120 s, until its next line', async () => {
    for (let minute = 0; minute <= 10; minute += 1) {
      await at(minute * 60 + 0.0);
      await log('shop', 1);
    }
    await at(600 + 120.4);
    expect(firing()).toEqual([]);
    await at(600 + 121.4);
    expect(firing()).toEqual(['ServiceSilent shop']);
    await log('shop', 1);
    await at(600 + 123.4);
    expect(firing()).toEqual([]);
  });
});

it('one-minute buckets of the last hour equal a script over the raw lines', async () => {
  const random = mulberry32(11);
  const raw: { readonly s: number; readonly service: string; readonly error: boolean }[] = [];
  // The second service begins within the hour and pauses; both have their first error late.
  for (let s = 0; s < 3_900; s += 1 + Math.floor(random() * 9)) {
    await at(s + 0.5);
    const services = s > 1_000 && (s < 2_000 || s > 2_500) ? ['shop', 'cart'] : ['shop'];
    for (const service of services) {
      const [lines, errors] = [1 + Math.floor(random() * 4), s > 1_800 && random() < 0.2 ? 1 : 0];
      await log(service, lines, errors);
      for (let n = 0; n < lines; n += 1) raw.push({ s: s + 0.5, service, error: n < errors });
    }
  }
  await at(3_900.2);
  const nowMs = clock.now();
  const answer = await timeseriesAnswer(querier, new URLSearchParams({ metric: 'logs', window: '1h' }), nowMs);
  for (const service of ['shop', 'cart']) {
    const points = answer.series.find(({ labels }) => labels['service'] === service)?.points ?? [];
    const expected = points.map(([endMs]) => {
      const end = (endMs - BEGIN_MS) / 1_000;
      return [endMs, raw.filter((line) => line.service === service && line.s > end - 60 && line.s <= end).length];
    });
    expect(points).toHaveLength(60);
    expect(points.map(([endMs, lines]) => [endMs, lines ?? 0])).toEqual(expected);
  }
  const request = { signal: 'logs', filter: checkedFilter('', nowMs), fromMs: nowMs - 3_600_000, toMs: nowMs } as const;
  const { trend, complete } = await logAnalytics(stored, request, 60_000, clock);
  expect(complete).toBe(true);
  for (const { timeMs, lines, errors } of trend) {
    const from = (timeMs - BEGIN_MS) / 1_000;
    const own = raw.filter(({ s }) => s >= from && s < from + 60);
    expect([lines, errors]).toEqual([own.length, own.filter(({ error }) => error).length]);
  }
  expect(trend).toHaveLength(60);
});

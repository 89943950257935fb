/**
 * `store.metrics.url` against real Prometheus servers: the Querier suite, the same answers as the embedded engine on the same
 * samples, the same alerts from the same rule files at the same times, and what a server that is down looks like.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { remoteQuerier } from '../../../src/monitor/promql/remote/querier.ts';
import { embeddedMetrics, nativeData, querierData, type EmbeddedMetrics } from '../../support/promql/querier-data.ts';
import { remoteWrite, type WrittenSeries } from '../../support/telemetry/remote-write.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { prometheusVersion, startPrometheus } from '../../support/programs/observability-programs.ts';
import { freshDir, missingPrograms, programPath, type Server } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { REPOSITORY, json } from '../../support/programs/vitrine-process.ts';
import { EXPRESSIONS, NATIVE_EXPRESSIONS, asJson, differenceOf, querierSuite } from '../../suites/querier.ts';

/** Oldest first; 2.42 knows neither quoted names nor the newest functions, and keeps `limit` to itself. */
const PEERS = [
  {
    programs: ['prometheus'],
    native: false,
    utf8: false,
    lookback: false,
    flags: ['--enable-feature=exemplar-storage'],
  },
  {
    programs: ['prometheus3', 'prometheus'],
    native: true,
    utf8: true,
    lookback: true,
    flags: ['--enable-feature=exemplar-storage,promql-experimental-functions,native-histograms'],
  },
] as const;

for (const { programs, flags, ...traits } of PEERS) {
  const program = programPath(...programs);
  if (program === undefined) missingPrograms('the Querier over Prometheus', programs);
  const name = program === undefined ? programs[0] : `Prometheus ${prometheusVersion(program)}`;
  describe.skipIf(program === undefined)(`remote: ${name}`, () => {
    const endMs = Math.floor(Date.now() / 60_000) * 60_000;
    let peer: Server;
    let embedded: EmbeddedMetrics;
    beforeAll(async () => {
      peer = await startPrometheus({ program, flags });
      embedded = await embeddedMetrics();
      const series = [...querierData(endMs), ...(traits.native ? nativeData(endMs) : [])];
      const known = traits.utf8 ? series : series.map((one) => ({ ...one, labels: withoutDots(one.labels) }));
      for (const url of [peer.url, embedded.url]) await remoteWrite(url, known);
    });
    afterAll(async () => {
      await peer?.[Symbol.asyncDispose]();
      await embedded?.[Symbol.asyncDispose]();
    });

    querierSuite(() => ({ querier: remoteQuerier({ url: peer.url }), endMs }), traits);

    it.each([...EXPRESSIONS, ...(traits.native ? NATIVE_EXPRESSIONS : [])])('the same answer: %s', async (expr) => {
      const remote = remoteQuerier({ url: peer.url });
      // Prometheus 2 counts a sample at the very start of a window, 3 and we do not: no window starts on a sample here.
      const atMs = endMs + 1;
      const instants = [embedded.querier, remote].map(async (one) =>
        sorted(asJson(await one.instant(expr, atMs)), expr),
      );
      const [ours, theirs] = await Promise.all(instants);
      expect(differenceOf(ours, theirs)).toBe('');
      const ranges = [embedded.querier, remote].map(async (one) =>
        sorted(asJson(await one.range(expr, atMs - 900_000, atMs, 30_000)), expr),
      );
      const [a, b] = await Promise.all(ranges);
      expect(differenceOf(a, b)).toBe('');
    });
  });
}

const withoutDots = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).map(([label, value]) => [label.replace('.', '_'), value]));

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Vectors have no order unless the expression gives one. */
function sorted(data: unknown, expr: string): unknown {
  const { resultType, result } = data as { resultType: string; result: { metric?: Record<string, string> }[] };
  if (resultType === 'scalar' || resultType === 'string' || expr.startsWith('sort')) return data;
  const key = ({ metric = {} }: { metric?: Record<string, string> }): string => keyOf(metric);
  return { resultType, result: [...result].sort((x, y) => (key(x) < key(y) ? -1 : 1)) };
}

const RULES = `groups:
  - name: parity
    interval: 1s
    rules:
      - record: shard:load:max
        expr: max by (shard) (load)
      - alert: LoadHigh
        expr: shard:load:max > 5
        for: 3s
        keep_firing_for: 3s
        labels: { severity: warning }
        annotations: { summary: 'Shard {{ $labels.shard }} has {{ $value }}' }
      - alert: LoadAny
        expr: sum(load) > 5
        labels: { severity: info }
`;

interface Seen {
  readonly atMs: number;
  readonly state: string;
}

interface AlertJson {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}

/** Which states each alert went through on one server, looked at ten times a second. */
class Watch {
  readonly history = new Map<string, Seen[]>();
  readonly annotations = new Map<string, string>();
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async look(): Promise<void> {
    const { data } = await json<{ data: { alerts: AlertJson[] } }>(`${this.#url}/api/v1/alerts`);
    const atMs = Date.now();
    const now = new Map<string, string>();
    for (const { labels, state, annotations } of data.alerts) {
      if (!['LoadHigh', 'LoadAny', 'SlowResponses'].includes(labels['alertname'])) continue;
      const key = keyOf(labels);
      now.set(key, state);
      this.annotations.set(key, annotations['summary'] ?? '');
    }
    for (const key of new Set([...now.keys(), ...this.history.keys()])) {
      const seen = this.history.get(key) ?? [];
      const state = now.get(key) ?? 'inactive';
      if (seen.at(-1)?.state !== state) seen.push({ atMs, state });
      this.history.set(key, seen);
    }
  }
}

/** Shard a is loaded in seconds 4–12, shard b in 6–8 (shorter than `for`); responses are slow all the time. */
function scene(second: number, atMs: number): WrittenSeries[] {
  const inside = (from: number, to: number): boolean => second >= from && second < to;
  const sample = (labels: Record<string, string>, v: number): WrittenSeries => ({ labels, samples: [{ t: atMs, v }] });
  const http = { job: 'vitrine-balancer', instance: '127.0.0.1:1' };
  return [
    sample({ __name__: 'load', shard: 'a' }, inside(4, 12) ? 10 : 0),
    sample({ __name__: 'load', shard: 'b' }, inside(6, 8) ? 8 : 1),
    sample(
      { __name__: 'vitrine_balancer_phase_duration_seconds_sum', vitrine_phase: 'upstream', ...http },
      (second + 30) * 5,
    ),
    sample({ __name__: 'http_server_request_duration_seconds_count', ...http }, (second + 30) * 10),
  ];
}

const program = programPath('prometheus3', 'prometheus');
describe.skipIf(program === undefined)('rules on a remote server', () => {
  it('the same rule files give the same alert states at the same times', async () => {
    const dir = freshDir();
    const rules = path.join(dir, 'parity.yaml');
    writeFileSync(rules, RULES);
    const files = [rules, path.join(REPOSITORY, 'rules/stack.yaml')];
    await using peer = await startPrometheus({
      program,
      config: `global: { scrape_interval: 1h, evaluation_interval: 1s }\nrule_files: ${JSON.stringify(files)}\n`,
    });
    const config = `alerts: [{ file: ${JSON.stringify(rules)} }]\n`;
    await using embedded = await startMonitorProcess({ config, built: true });
    await using remote = await startMonitorProcess({
      config: `${config}store: { metrics: { url: '${peer.url}' } }\n`,
      built: true,
    });
    const watches = [embedded, remote, peer].map(({ url }) => new Watch(url));
    const startMs = Date.now();
    // Slow responses have a past, so that their one-minute rate has a value from the start.
    for (let second = -20; second <= 0; second += 1)
      for (const { url } of [embedded, peer]) await remoteWrite(url, scene(second, startMs + second * 1_000));
    let second = 0;
    await until(
      async () => {
        if (Date.now() - startMs >= (second + 1) * 1_000) {
          second += 1;
          for (const { url } of [embedded, peer]) await remoteWrite(url, scene(second, startMs + second * 1_000));
        }
        for (const watch of watches) await watch.look();
        return second >= 22 || undefined;
      },
      60_000,
      () => 'the scene did not end',
    );
    const [mine, byRemote, theirs] = watches;
    expect([...theirs.history.keys()].sort()).toHaveLength(4);
    for (const other of [mine, byRemote]) {
      expect([...other.history.keys()].sort()).toEqual([...theirs.history.keys()].sort());
      for (const [key, seen] of theirs.history) {
        const states = other.history.get(key) ?? [];
        expect([key, states.map(({ state }) => state)]).toEqual([key, seen.map(({ state }) => state)]);
        // Servers evaluate once a second, each at its own moment of it, and are looked at one after the other.
        for (const [i, { atMs }] of seen.entries()) expect(Math.abs(states[i].atMs - atMs), key).toBeLessThan(2_500);
        expect([key, other.annotations.get(key)]).toEqual([key, theirs.annotations.get(key)]);
      }
    }
    const page = await json<{ status: string }>(`${remote.url}/health`);
    expect(page.status).not.toBe('unhealthy');
    expect((await fetch(`${remote.url}/api/services`)).status).toBe(200);
    await peer.stop('SIGKILL');
    const failed = await fetch(`${remote.url}/api/v1/query?query=up`);
    expect(failed.status).toBe(503);
    expect(await failed.json()).toMatchObject({
      status: 'error',
      errorType: 'unavailable',
      error: expect.stringMatching(new RegExp(`^${peer.url} cannot be reached: connect ECONNREFUSED`)) as unknown,
    });
    const lastError = await until(
      async () => {
        const { data } = await json<{ data: { groups: { name: string; rules: { lastError?: string }[] }[] } }>(
          `${remote.url}/api/v1/rules`,
        );
        return data.groups.find(({ name }) => name === 'parity')?.rules[0].lastError;
      },
      10_000,
      () => 'the rules did not notice',
    );
    expect(lastError).toContain('cannot be reached');
    expect((await fetch(`${remote.url}/health`)).status).toBe(200);
  });
});

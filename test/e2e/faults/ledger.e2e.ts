/**
 * The request ledger beside the balancer's own figures, at a sampling rate of 0.1 %: every request is a row, sums equal the
 * counters, percentiles equal those of the access log, and the support code of each failure leads to row, trace and lines.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestAnswer, RequestFiguresAnswer } from '../../../src/monitor/api/records/contract.ts';
import type { ObjectiveJson } from '../../../src/monitor/api/targets/contract.ts';
import { freshDir, runToEnd, runWell, startProgram } from '../../support/program.ts';
import { BUILT, json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';
import { nearestRank } from '../../support/quantile.ts';
import { until } from '../../support/until.ts';

const SECONDS = process.env['VITRINE_NIGHTLY'] === '1' ? 60 : 12;
const FAILURES = 1_000;
const SAMPLED = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.001' };
/** Clients of the failing requests, at once. */
const CLIENTS = 8;

interface AccessLine {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly duration_ms: number;
  readonly reason: string | null;
}

describe('the request ledger', () => {
  let vitrine: Vitrine;
  let logDir: string;
  let accessLog: string;
  let codes: string[] = [];
  beforeAll(async () => {
    logDir = freshDir();
    accessLog = path.join(logDir, 'access.log');
    vitrine = await startVitrine({ built: true, env: { ...SAMPLED, VITRINE_BALANCER__ACCESS_LOG: accessLog } });
    const load = startProgram(process.execPath, [
      BUILT,
      'load',
      '--url',
      vitrine.balancer,
      '--users',
      '10',
      '--duration',
      String(SECONDS),
    ]);
    codes = await failures(vitrine);
    await load.exited;
  }, 180_000);
  afterAll(async () => {
    await vitrine?.[Symbol.asyncDispose]();
    rmSync(logDir, { recursive: true, force: true });
  });

  it('has one row for each line of the access log, and the sums of the balancer’s counters', async () => {
    const lines = await settled();
    const wanted = groupsOf(lines);
    const { figures, missing } = await json<RequestFiguresAnswer>(
      `${vitrine.monitor}/api/requests/figures?by=method,route&from=now-1h`,
    );
    expect(missing).toBeUndefined();
    const found = figures.map(({ by, requests, errors, p50, p95, p99, max }) => ({
      key: `${by['method']} ${by['route']}`,
      requests,
      errors,
      p50,
      p95,
      p99,
      max,
    }));
    expect(found.toSorted(byKey)).toEqual(wanted.toSorted(byKey));
    const counted = await counters('');
    const failed = await counters('error_type!=""');
    expect(Object.fromEntries(found.map(({ key, requests }) => [key, requests]))).toEqual(counted);
    expect(Object.fromEntries(found.flatMap(({ key, errors }) => (errors > 0 ? [[key, errors]] : [])))).toEqual(failed);
    expect(Object.values(failed).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(FAILURES);
  });

  it('leads from the support code of every failure to its row, its trace and its lines', async () => {
    await settled();
    expect(new Set(codes).size).toBe(FAILURES);
    const without: unknown[] = [];
    const queue = codes.values();
    const look = async (): Promise<void> => {
      for (const code of queue) {
        const answer = await json<RequestAnswer>(`${vitrine.monitor}/api/requests/${code}`);
        const [one] = answer.requests.filter(({ request }) => request.support_code === code);
        const isWhole =
          one?.request.status === 500 &&
          one.services.length === 2 &&
          (one.trace?.spans.length ?? 0) >= 3 &&
          (one.trace?.logs.length ?? 0) > 0;
        if (!isWhole) without.push({ code, ...one, trace: one?.trace?.spans.map(({ name }) => name) });
      }
    };
    await Promise.all(Array.from({ length: 4 }, look));
    expect(without).toEqual([]);
  });

  it('shows the past of an objective that nobody configured, as the lines of the access log count it', async () => {
    const lines = await settled();
    const counted = lines.filter(({ route }) => route.startsWith('/api/accounts'));
    const good = counted.filter((line) => line.status < 500 && line.duration_ms < 300);
    const asked = { total: 'route:/api/accounts*', good: 'status:<500 duration:<300ms', objective: '99%' };
    const found = await json<ObjectiveJson>(`${vitrine.monitor}/api/slo/preview?${new URLSearchParams(asked)}`);
    expect(found.events).toEqual({ good: good.length, total: counted.length });
    expect(found.figure).toBeCloseTo(good.length / counted.length, 12);
    expect([good.length > 0, good.length < counted.length]).toEqual([true, true]);
    // The same from the terminal; the drill has spent the budget.
    const flags = ['--total', asked.total, '--good', asked.good, '--objective', asked.objective];
    const command = ['slo', 'preview', ...flags, '--json', '--url', vitrine.monitor];
    const { code, stdout } = await runToEnd(process.execPath, [BUILT, ...command]);
    expect([code, (JSON.parse(stdout) as ObjectiveJson).events]).toEqual([5, found.events]);
  });

  /** Waits until the ledger has as many rows as the access log has lines. */
  async function settled(): Promise<AccessLine[]> {
    const read = (): AccessLine[] =>
      readFileSync(accessLog, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AccessLine);
    let rows = 0;
    return until(
      async () => {
        const lines = read();
        const { figures } = await json<RequestFiguresAnswer>(`${vitrine.monitor}/api/requests/figures?from=now-1h`);
        rows = figures[0]?.requests ?? 0;
        return rows === lines.length ? lines : undefined;
      },
      60_000,
      () => `the ledger has ${rows} rows, the access log ${read().length}`,
    );
  }

  /** Values of the balancer's counter by method and route. */
  async function counters(matcher: string): Promise<Record<string, number>> {
    const series = `http_server_request_duration_seconds_count{job="vitrine-balancer",${matcher}}`;
    const query = encodeURIComponent(`sum by (http_request_method, http_route)(${series})`);
    const { data } = await json<{
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    }>(`${vitrine.monitor}/api/v1/query?query=${query}`);
    return Object.fromEntries(
      data.result.map(({ metric, value }) => [`${metric['http_request_method']} ${metric['http_route']}`, +value[1]]),
    );
  }
});

const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1);

function groupsOf(lines: readonly AccessLine[]) {
  const groups = Map.groupBy(lines, ({ method, route }) => `${method} ${route}`);
  return [...groups].map(([key, members]) => {
    const sorted = members.map((line) => line.duration_ms).sort((a, b) => a - b);
    return {
      key,
      requests: members.length,
      errors: members.filter(({ reason }) => reason !== null).length,
      p50: nearestRank(sorted, 0.5),
      p95: nearestRank(sorted, 0.95),
      p99: nearestRank(sorted, 0.99),
      max: sorted[sorted.length - 1],
    };
  });
}

/** The support codes of so many failures, which a drill causes. */
async function failures({ balancer, dataDir }: Vitrine): Promise<string[]> {
  const codes: string[] = [];
  let drilledUntil = 0;
  let drilling: Promise<unknown> | undefined;
  const drill = async (): Promise<void> => {
    await runWell(process.execPath, [BUILT, 'drill', 'errors', '--for', '10s', '--data', dataDir]);
    drilledUntil = Date.now() + 10_000;
    drilling = undefined;
  };
  const client = async (): Promise<void> => {
    while (codes.length < FAILURES) {
      if (Date.now() >= drilledUntil) await (drilling ??= drill());
      const { status, headers } = await fetch(`${balancer}/api/accounts/acc-001`);
      const code = headers.get('x-support-code');
      if (status === 500 && code !== null && codes.length < FAILURES) codes.push(code);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return codes;
}

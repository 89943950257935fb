import { mkdtempSync, rmSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Context } from 'koa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Querier } from '../../../src/model/ports.ts';
import { findRoute, isAt, type Route } from '../../../src/monitor/api/routes.ts';
import { targetFigures } from '../../../src/monitor/api/targets/comparison.ts';
import type {
  AvailabilityJson,
  ComparisonJson,
  HistoryJson,
  TargetJson,
} from '../../../src/monitor/api/targets/contract.ts';
import { probeRoutes } from '../../../src/monitor/api/targets/probe-routes.ts';
import { sloRoutes } from '../../../src/monitor/api/targets/slo-routes.ts';
import { targetRoutes } from '../../../src/monitor/api/targets/target-routes.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import type { CheckResult, CheckSpec } from '../../../src/monitor/targets/check.ts';
import { compileTarget } from '../../../src/monitor/targets/config/compile.ts';
import { targetConfig } from '../../../src/monitor/targets/config/schema.ts';
import { CheckFile } from '../../../src/monitor/targets/history/check-file.ts';
import { TARGETS_OWNER, TargetTables } from '../../../src/monitor/targets/history/target-tables.ts';
import { objectiveConfig } from '../../../src/monitor/targets/objectives/schema.ts';
import { readModules } from '../../../src/monitor/targets/probe/modules.ts';
import { Targets } from '../../../src/monitor/targets/targets.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const T = 1_800_000_000_000;
const tools = { modules: readModules(undefined, ''), read: () => '' };
let dir: string;
let clock: FastClock;
let targets: Targets;
let routes: Route[];
let probed: { spec: CheckSpec; origin: string; timeoutMs: number }[];
let stop: () => Promise<void>;

const result = (success: boolean): CheckResult => ({
  success,
  reason: success ? '' : 'The connection was refused.',
  phases: { connect: 0.01 },
  series: [{ name: 'probe_ssl_earliest_cert_expiry', value: T / 1_000 + 86_400 }],
  evidence: {
    sent: 'GET /',
    address: '127.0.0.1',
    sentHeaders: { host: 'a' },
    certificate: { subject: 's', issuer: 'i', names: [], validFromMs: T, validToMs: T, fingerprint256: 'f', error: '' },
  },
  timeMs: clock.now(),
  durationSeconds: 0.01,
  traceId: 'ab',
});

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'routes-'));
  clock = new FastClock(T);
  probed = [];
  const state = openStateDatabase({ dir, owners: [TARGETS_OWNER], clock, logger: recordingLogger() });
  const runner = {
    replace() {},
    probe(spec: CheckSpec, origin: 'file' | 'api', timeoutMs: number) {
      probed.push({ spec, origin, timeoutMs });
      return Promise.resolve(result(true));
    },
  };
  targets = new Targets({
    clock,
    samples: { resolve: () => 1, generation: 1, append: () => Promise.resolve({ accepted: 1, rejected: [] }) },
    tables: new TargetTables(state),
    openFile: () => new CheckFile(dir),
    runner,
    tools,
    inMaintenance: () => false,
    onError() {},
  });
  const shop = { name: 'Shop', url: 'http://shop.test/', group: 'web', tags: ['eu'] };
  targets.replaceFile(
    [shop, { name: 'job', heartbeat: '1h' }].map((config) => compileTarget(targetConfig.parse(config), 'file', tools)),
  );
  const querier = {
    instant: (expr: string) =>
      Promise.resolve({
        value: {
          kind: 'vector',
          series: expr.includes('none') ? [] : [{ point: { v: expr.includes('ratio_rate') ? 0.0005 : 0.5 } }],
        },
      }),
  } as unknown as Querier;
  const slo = ['shop-up', 'none'].map((name) => objectiveConfig.parse({ name, objective: '99.9%', target: 'Shop' }));
  slo.push(objectiveConfig.parse({ name: 'checkout', objective: '99.9%', requests: { good: 'status:<500' } }));
  const counted = { good: 9_980, total: 10_000 };
  const past = {
    counts: (_: unknown, from: number) => Promise.resolve(from < T - 40e9 ? { good: 0, total: 0 } : counted),
  };
  routes = [
    ...targetRoutes(targets, clock),
    ...probeRoutes({ ...tools, runner, originOf: (target) => (target.includes('own') ? 'file' : 'api') }),
    ...sloRoutes({ objectives: () => slo, querier, past, clock }),
  ];
  stop = async () => {
    targets.close();
    await state[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  };
});
afterEach(() => stop());

interface Answer {
  readonly json: unknown;
  readonly status: number;
  readonly body: string;
}

async function ask(
  method: string,
  address: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = new URL(address, 'http://x');
  const found = findRoute(routes, method, url.pathname);
  if (found === undefined) throw new Error(`no route ${address}`);
  const req = Object.assign(new PassThrough(), { headers: {} });
  req.end(body === undefined ? undefined : JSON.stringify(body));
  const ctx = {
    req,
    request: { is: () => 'application/json' },
    get: (name: string) => headers[name] ?? '',
    set() {},
    status: 200,
    body: '',
    type: '',
  };
  const json = await found.route.handler({
    ctx: ctx as unknown as Context,
    params: found.params,
    query: url.searchParams,
    who: '',
  });
  return { json, status: ctx.status, body: ctx.body };
}

async function checked(outcomes: readonly boolean[]): Promise<void> {
  for (const success of outcomes) {
    await clock.moveTo(clock.now() + 30_000);
    await targets.take([{ target: 'shop', lateMs: 0, result: result(success) }]);
  }
}

test('list, one, history, evidence and availability', async () => {
  await checked([true, false, false, true]);
  await clock.moveTo(clock.now() + 1_000);
  const one = (await ask('GET', '/api/targets/shop')).json as TargetJson;
  expect(one).toMatchObject({
    state: 'up',
    kind: 'http',
    group: 'web',
    certificate_expires: '2027-01-16T08:00:00.000Z',
  });
  expect(one.strip.at(-1)).toBe('down');
  const listOf = async (query: string) =>
    ((await ask('GET', `/api/targets${query}`)).json as { targets: TargetJson[] }).targets.map(({ id }) => id);
  expect(await listOf('')).toEqual(['shop', 'job']);
  expect(await listOf('?group=web&tag=eu')).toEqual(['shop']);
  expect(await listOf('?tag=us')).toEqual([]);
  expect([await listOf('?state=up'), await listOf('?state=down')]).toEqual([['shop'], []]);
  await expect(ask('GET', '/api/targets?state=broken')).rejects.toMatchObject({ code: 'bad_request' });
  const history = (await ask('GET', `/api/targets/shop/history?from=${T}`)).json as HistoryJson;
  expect(history.checks.map(({ success }) => success)).toEqual([true, false, false, true]);
  expect(history.outages).toMatchObject([{ seconds: 60 }]);
  expect(history.hours).toMatchObject([{ checks: 4, failed: 2 }]);
  const evidence = (await ask('GET', '/api/targets/shop/evidence')).json;
  expect(JSON.stringify(evidence)).toContain('The connection was refused.');
  const url = '/api/availability?target=shop,job&from=now-2h&by=hour&zone=Europe/Berlin';
  const { availability } = (await ask('GET', url)).json as { availability: AvailabilityJson[] };
  expect(availability[0]).toMatchObject({ target: 'shop', down_seconds: 60, outages: 1 });
  expect(availability[0].method).toContain('2 failed checks in a row');
  expect(availability[0].parts?.length).toBeGreaterThanOrEqual(2);
  expect((await ask('GET', '/api/availability?maintenance=count')).json).toBeDefined();
  for (const wrong of [
    'by=minute',
    'by=day&zone=Mars',
    'from=soon',
    'from=now&to=now-1h',
    'from=1970-01-01T00:00:00Z',
  ]) {
    await expect(ask('GET', `/api/availability?${wrong}`), wrong).rejects.toMatchObject({ code: 'bad_request' });
  }
});

test('those that are down are listed alone', async () => {
  await checked([true, false, false]);
  const { targets: down } = (await ask('GET', '/api/targets?state=down')).json as { targets: TargetJson[] };
  expect(down.map(({ id, state }) => [id, state])).toEqual([['shop', 'down']]);
});

test('own and competitors side by side, and the present figures of all', async () => {
  await ask('POST', '/api/targets', { name: 'Rival', url: 'http://rival.test/', competitor: true });
  await checked([true, false, false, true]);
  await targets.take([{ target: 'rival', lateMs: 0, result: { ...result(true), durationSeconds: 0.5 } }]);
  await clock.moveTo(clock.now() + 1_000);
  const compared = (await ask('GET', `/api/targets/compare?from=${T}&step=3600000`)).json as ComparisonJson;
  expect(compared.targets.map(({ id, competitor }) => [id, competitor])).toEqual([
    ['shop', false],
    ['job', false],
    ['rival', true],
  ]);
  expect(compared.targets[0]).toMatchObject({ outages: 1, down_seconds: 60, checks: 4, mean_ms: 10 });
  expect(compared.targets[2]).toMatchObject({ availability: 1, checks: 1, mean_ms: 500, max_ms: 500 });
  expect(compared.targets[0].points).toMatchObject([{ down_seconds: 60, checks: 4 }]);
  expect(targetFigures(targets)).toMatchObject([
    { id: 'shop', kind: 'http', state: 'up', response_ms: 10, competitor: false },
    { id: 'job', kind: 'heartbeat', response_ms: null },
    { id: 'rival', competitor: true, response_ms: 500 },
  ]);
});

test('made, changed, exported, checked and removed', async () => {
  const made = await ask('POST', '/api/targets', { name: 'Made', url: 'http://a.test/' });
  expect(made.status).toBe(201);
  const changed = { name: 'Made', url: 'http://b.test/', interval: '5s' };
  expect((await ask('PUT', '/api/targets/made', changed)).json).toMatchObject({ instance: 'http://b.test/' });
  const yaml = (await ask('GET', '/api/targets/export?origin=api')).body;
  expect(parse(yaml)).toEqual({ targets: [changed] });
  expect(parse((await ask('GET', '/api/targets/export')).body)).toMatchObject({
    targets: [{ name: 'Shop' }, {}, changed],
  });
  expect((await ask('POST', '/api/targets/made/check')).json).toMatchObject({ success: true, sent: 'GET /' });
  expect((await ask('DELETE', '/api/targets/made')).status).toBe(204);
});

test('a beat needs only its address', async () => {
  const { path: address } = (await ask('GET', '/api/targets/job/heartbeat')).json as { path: string };
  expect(routes.some((route) => route.open === true && isAt(route, address))).toBe(true);
  expect((await ask('POST', address, { any: 'thing' })).json).toEqual({ ok: true });
  await clock.moveTo(clock.now() + 1_000);
  await ask('GET', `${address}?status=fail&msg=disk`);
  expect((await ask('GET', '/api/targets/job')).json).toMatchObject({
    state: 'down',
    last: { reason: 'The job reported a failure: disk.' },
  });
  await expect(ask('POST', `${address}?status=maybe`)).rejects.toMatchObject({ code: 'bad_request' });
});

test('the page of the exporter', async () => {
  const page = await ask('GET', '/probe?target=http://own.test/&hostname=shop.test', undefined, {
    'X-Prometheus-Scrape-Timeout-Seconds': '10',
  });
  expect(page.body).toContain('probe_success 1\n');
  expect(probed[0]).toMatchObject({ origin: 'file', timeoutMs: 9_500, spec: { headers: { Host: 'shop.test' } } });
  expect((await ask('GET', '/probe?target=a.test:1&module=tcp_connect&debug=true')).body).toContain(
    'Module: tcp_connect',
  );
  expect(probed[1]).toMatchObject({ origin: 'api' });
  await expect(ask('GET', '/probe?target=a&module=zzz')).rejects.toThrow('Unknown module "zzz"');
  await expect(ask('GET', '/probe')).rejects.toThrow('Target parameter is missing');
});

test('objectives: figure, budget, burn, and the rule file', async () => {
  const { objectives } = (await ask('GET', '/api/slo')).json as { objectives: object[] };
  expect(objectives[0]).toMatchObject({ figure: 0.9995, budget_left: 0.5, burn_rate: 0.5, breached: false });
  expect(objectives[0]).toMatchObject({ target: 'Shop', target_id: 'shop' });
  expect(objectives[1]).toMatchObject({ figure: null, budget_left: null, burn_rate: null, breached: null });
  expect(objectives[1]).toMatchObject({
    months: [{ month: '2027-01', figure: 0.5, breached: true }, { month: '2026-12' }],
  });
  expect(objectives[2]).toMatchObject({
    requests: { total: '', good: 'status:<500' },
    events: { good: 9_980, total: 10_000 },
    figure: 0.998,
    breached: true,
    months: [{ month: '2027-01', figure: 0.998, breached: true }, { month: '2026-12' }],
  });
  const { budget_left, burn_rate } = objectives[2] as { budget_left: number; burn_rate: number };
  expect(budget_left).toBeCloseTo(-1, 9);
  expect(burn_rate).toBeCloseTo(2, 9);
  expect((await ask('GET', '/api/slo/rules')).body).toContain('SloFastBurn');
});

test('an objective that is not configured shows its past; a mistake in it is said with its key', async () => {
  const asked = '/api/slo/preview?good=status:<500&objective=99.5%25&window=7d';
  expect((await ask('GET', asked)).json).toMatchObject({
    name: 'preview',
    objective: 0.995,
    window: '7d',
    requests: { total: '', good: 'status:<500' },
    events: { good: 9_980, total: 10_000 },
    figure: 0.998,
    breached: false,
    months: [{ month: '2027-01', figure: 0.998 }, { month: '2026-12' }],
  });
  for (const [query, message] of [
    ['', 'requests.good: '],
    ['good=status:<', 'requests.good: a filter over requests: position'],
    ['good=status:<500&total=time:>now-1h', 'requests.total: no time'],
    ['good=status:<500&objective=50%25', 'objective: an objective of at least 93.06 %'],
    ['good=status:<500&window=1h', 'window: a duration from 7d to 90d'],
  ]) {
    await expect(ask('GET', `/api/slo/preview?${query}`)).rejects.toThrow(message);
  }
});

test('objectives that are tried wait in a short line', async () => {
  const { promise, resolve } = Promise.withResolvers<{ good: number; total: number }>();
  const slow = sloRoutes({
    objectives: () => [],
    querier: {} as Querier,
    past: { counts: () => promise },
    clock,
  });
  const preview = () => {
    const found = findRoute(slow, 'GET', '/api/slo/preview');
    const query = new URLSearchParams({ good: 'status:<500' });
    return found?.route.handler({ params: {}, query } as Parameters<typeof found.route.handler>[0]);
  };
  const waiting = Array.from({ length: 4 }, preview);
  await expect(preview()).rejects.toMatchObject({ code: 'overloaded' });
  resolve({ good: 9, total: 10 });
  expect(await Promise.all(waiting)).toHaveLength(4);
  expect(await preview()).toMatchObject({ figure: 0.9 });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Labels } from '../../../src/model/labels.ts';
import type { SampleBatch, SampleSink } from '../../../src/model/ports.ts';
import { openStateDatabase, type StateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import type { CheckResult } from '../../../src/monitor/targets/check.ts';
import { compileTarget, targetId } from '../../../src/monitor/targets/config/compile.ts';
import { targetProblems } from '../../../src/monitor/targets/config/joined.ts';
import { targetConfig, targetsConfig } from '../../../src/monitor/targets/config/schema.ts';
import { CheckFile } from '../../../src/monitor/targets/history/check-file.ts';
import { TARGETS_OWNER, TargetTables } from '../../../src/monitor/targets/history/target-tables.ts';
import { readModules } from '../../../src/monitor/targets/probe/modules.ts';
import type { ScheduledTarget } from '../../../src/monitor/targets/schedule/messages.ts';
import { Targets } from '../../../src/monitor/targets/targets.ts';
import { FastClock } from '../../support/fast-clock.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const T = 1_800_000_000_000;
const tools = { modules: readModules(undefined, ''), read: (file: string) => `content of ${file}` };
const compiled = (config: object, origin: 'file' | 'api' = 'file') =>
  compileTarget(targetConfig.parse(config), origin, tools);

/** Keeps the last value of each series; undefined after a staleness mark. */
class LastValues implements SampleSink {
  readonly generation = 1;
  readonly #refs: Labels[] = [];
  readonly values = new Map<string, number | undefined>();

  resolve(labels: Labels): number {
    return this.#refs.push(labels);
  }

  append(batch: SampleBatch) {
    for (let at = 0; at < batch.count; at += 1) {
      const labels = this.#refs[batch.refs[at] - 1];
      const key = `${labels.get('target')} ${labels.get('__name__')}`;
      this.values.set(key, batch.stale?.[at] === 1 ? undefined : batch.v[at]);
    }
    return Promise.resolve({ accepted: batch.count, rejected: [] });
  }
}

let dir: string;
let clock: FastClock;
let state: StateDatabase;
let sink: LastValues;
let scheduled: readonly ScheduledTarget[];
let maintenance: boolean;
let errors: unknown[];

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'targets-'));
  clock = new FastClock(T);
  sink = new LastValues();
  maintenance = false;
  errors = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

async function open(): Promise<Targets & { kill: () => Promise<void> }> {
  state = openStateDatabase({ dir, owners: [TARGETS_OWNER], clock, logger: recordingLogger() });
  let file: CheckFile | undefined;
  const targets = new Targets({
    clock,
    samples: sink,
    tables: new TargetTables(state),
    openFile: () => (file = new CheckFile(dir)),
    runner: {
      replace: (list) => (scheduled = list),
      probe: () => Promise.resolve(result(true)),
    },
    tools,
    inMaintenance: () => maintenance,
    onError: (error) => errors.push(error),
    maxTargets: 5,
  });
  await targets.resume();
  return Object.assign(targets, {
    // As after kill -9: nothing is said at the end.
    kill: async () => {
      await state[Symbol.asyncDispose]();
      file?.[Symbol.dispose]();
    },
  });
}

const result = (success: boolean): CheckResult => ({
  success,
  reason: success ? '' : 'The connection was refused.',
  phases: { connect: 0.01 },
  series: success ? [{ name: 'probe_http_status_code', value: 200 }] : [],
  evidence: { sent: 'GET /', address: '127.0.0.1' },
  timeMs: clock.now(),
  durationSeconds: 0.01,
  traceId: '',
});

async function checked(targets: Targets, id: string, outcomes: readonly boolean[]): Promise<void> {
  for (const success of outcomes) {
    await clock.moveTo(clock.now() + 30_000);
    await targets.take([{ target: id, lateMs: 0, result: result(success) }]);
  }
}

describe('states', () => {
  test('a target is down after two failed checks; its children keep their data and name the cause', async () => {
    const targets = await open();
    targets.replaceFile([
      compiled({ name: 'DB', tcp: 'db.local:5432' }),
      compiled({ name: 'api', url: 'http://a.test/', depends_on: ['DB'] }),
      compiled({ name: 'rival', url: 'http://r.test/', competitor: true }),
    ]);
    expect(scheduled.map(({ id }) => id)).toEqual(['db', 'api', 'rival']);
    await checked(targets, 'db', [true, false]);
    expect(targets.status('db').state).toBe('up');
    await checked(targets, 'db', [false]);
    await checked(targets, 'api', [false]);
    expect(targets.status('db').state).toBe('down');
    expect(targets.status('api').cause).toBe('DB');
    expect(sink.values.get('DB vitrine_target_up')).toBe(0);
    expect(sink.values.get('DB probe_http_status_code'), 'a series that is gone is marked').toBeUndefined();
    expect(sink.values.get('api vitrine_target_suppressed')).toBe(1);
    expect(sink.values.get('api probe_success')).toBe(0);
    await checked(targets, 'rival', [true]);
    expect(sink.values.get('rival vitrine_target_suppressed')).toBe(1);
    const { file } = targets.history('db');
    expect(file.evidence('db', 5)[0]).toMatchObject({ success: false, reason: 'The connection was refused.' });
    await targets.kill();
  });

  test('maintenance is noted as it is seen', async () => {
    const targets = await open();
    targets.replaceFile([compiled({ name: 'a', url: 'http://a.test/' })]);
    maintenance = true;
    for (let at = 0; at < 5; at += 1) {
      await clock.moveTo(clock.now() + 15_000);
      await targets.tick();
    }
    maintenance = false;
    await clock.moveTo(clock.now() + 15_000);
    await targets.tick();
    const past = targets.past('a', { fromMs: T, toMs: T + 1e9 });
    expect(past.maintenance).toEqual([{ fromMs: T + 15_000, toMs: T + 90_000 }]);
    await targets.kill();
  });

  test('values of long intervals are said again, so that PromQL sees them', async () => {
    const targets = await open();
    targets.replaceFile([compiled({ name: 'a', url: 'http://a.test/', interval: '1h' })]);
    await checked(targets, 'a', [true]);
    sink.values.clear();
    await clock.moveTo(clock.now() + 600_000);
    await targets.tick();
    expect(sink.values.get('a probe_success')).toBe(1);
    await targets.kill();
  });
});

describe('heartbeats', () => {
  const job = () => compiled({ name: 'backup', heartbeat: '10m', grace: '1m' });

  test('silence after the deadline is down, a beat is up, a reported failure is down', async () => {
    const targets = await open();
    targets.replaceFile([job()]);
    const token = targets.tokenOf('backup');
    const tickTo = async (ms: number): Promise<string> => {
      await clock.moveTo(ms);
      await targets.tick();
      return targets.status('backup').state;
    };
    expect(await tickTo(T + 15_000)).toBe('up');
    await targets.beat(token, true, 'done');
    expect(await tickTo(T + 15_000 + 660_000)).toBe('up');
    expect(await tickTo(T + 15_000 + 690_000)).toBe('down');
    expect(targets.status('backup').last?.reason).toMatch(/No beat came in time; it is \d+ s late\./);
    await targets.beat(token, true, '');
    expect(targets.status('backup').state).toBe('up');
    await clock.moveTo(clock.now() + 1_000);
    await targets.beat(token, false, 'disk full');
    expect(targets.status('backup').last?.reason).toBe('The job reported a failure: disk full.');
    await expect(targets.beat('0'.repeat(32), true, '')).rejects.toThrow('No heartbeat has this token.');
    expect((await targets.checkNow('backup')).success).toBe(false);
    await targets.kill();
  });

  test('killed at the deadline: no acknowledged beat is lost, none fires wrongly, and one that stays away does fire', async () => {
    let targets = await open();
    targets.replaceFile([job()]);
    await clock.moveTo(T + 15_000);
    await targets.tick();
    await targets.beat(targets.tokenOf('backup'), true, '');
    const token = targets.tokenOf('backup');
    // Alive until just before the deadline, killed there, away for an hour.
    await clock.moveTo(T + 15_000 + 650_000);
    await targets.tick();
    await targets.kill();
    await clock.moveTo(clock.now() + 3_600_000);
    targets = await open();
    targets.replaceFile([job()]);
    expect(targets.tokenOf('backup'), 'the address stays').toBe(token);
    expect(targets.heartbeat('backup')?.lastMs).toBe(T + 15_000);
    await clock.moveTo(clock.now() + 5_000);
    await targets.tick();
    expect(targets.status('backup').state).toBe('up');
    await clock.moveTo(clock.now() + 30_000);
    await targets.tick();
    expect(targets.status('backup').state, 'the rest of the time is over').toBe('down');
    await targets.kill();
  });

  test('killed before its first tick: the beat itself says until when the monitor was there', async () => {
    let targets = await open();
    targets.replaceFile([job()]);
    await targets.beat(targets.tokenOf('backup'), true, '');
    const before = targets.heartbeat('backup')?.deadlineMs ?? 0;
    await targets.kill();
    await clock.moveTo(clock.now() + 3_600_000);
    targets = await open();
    targets.replaceFile([job()]);
    expect(targets.heartbeat('backup')?.deadlineMs).toBe(before + 3_600_000);
    await targets.kill();
  });
});

describe('targets made by API', () => {
  test('are kept over a restart, replaced, removed; those of the file cannot be', async () => {
    let targets = await open();
    targets.replaceFile([compiled({ name: 'own', url: 'http://own.test/' })]);
    await targets.make({ name: 'Made one', url: 'http://a.test/', interval: '5s' });
    await expect(targets.make({ name: 'own', url: 'http://a.test/' })).rejects.toThrow(
      'There is a target "own" already',
    );
    await expect(targets.make({ name: 'x', exec: ['/bin/true'] })).rejects.toThrow('in the configuration file only');
    await expect(targets.make({ name: 'x', url: 'http://a/', depends_on: ['none'] })).rejects.toThrow(
      'no target "none"',
    );
    await expect(targets.make({ name: 'x' })).rejects.toThrow('a target needs one of');
    await expect(targets.make({ name: 'x', url: 'http://a/', module: 'm' })).rejects.toThrow(
      'url and module, not both',
    );
    await targets.kill();
    targets = await open();
    targets.replaceFile([compiled({ name: 'own', url: 'http://own.test/' })]);
    expect(targets.status('made-one').target).toMatchObject({ origin: 'api', intervalMs: 5_000 });
    expect(scheduled.find(({ id }) => id === 'made-one')?.origin).toBe('api');
    await targets.make({ name: 'Other name', url: 'http://b.test/' }, 'made-one');
    expect(() => targets.status('made-one')).toThrow('There is no target');
    await expect(targets.remove('own')).rejects.toThrow('is a target of the configuration file');
    await expect(targets.make({ name: 'own', url: 'http://a/' }, 'own')).rejects.toThrow('configuration file');
    await targets.remove('other-name');
    expect(targets.size).toBe(1);
    for (let at = 0; at < 4; at += 1) await targets.make({ name: `n${at}`, url: 'http://a.test/' });
    await expect(targets.make({ name: 'n9', url: 'http://a.test/' })).rejects.toThrow('too many targets');
    await targets.kill();
  });
});

describe('what is written', () => {
  test.each([
    [
      { name: 'a', url: 'https://a.test', type: 'web' },
      { kind: 'web', instance: 'https://a.test' },
    ],
    [{ name: 'a', tcp: '[::1]:25', answer: '^220' }, { kind: 'tcp' }],
    [{ name: 'a', tls: 'a.test:443' }, { kind: 'tls' }],
    [
      { name: 'a', dns: { server: '9.9.9.9', name: 'a.test' } },
      { kind: 'dns', instance: 'a.test@9.9.9.9' },
    ],
    [{ name: 'a', websocket: 'wss://a.test/' }, { kind: 'websocket' }],
    [{ name: 'a', grpc: 'a.test:443', tls_config: {} }, { kind: 'grpc' }],
    [
      { name: 'a', exec: ['/bin/true'] },
      { kind: 'exec', instance: '/bin/true' },
    ],
    [
      { name: 'a', module: 'http_2xx', target: 'a.test' },
      { kind: 'http', instance: 'a.test' },
    ],
    [
      { name: 'a', heartbeat: '1h' },
      { kind: 'heartbeat', rules: { failures: 1 } },
    ],
    [{ name: 'a', interval: '5s', timeout: '30s', url: 'http://a' }, { timeoutMs: 5_000 }],
    [
      { name: 'a', steps: [{ url: 'http://a/', save: { t: '$.t' } }, { url: 'http://a/${t}' }] },
      { kind: 'steps', instance: 'http://a/' },
    ],
  ])('%j', (config, wanted) => {
    expect(compiled(config)).toMatchObject(wanted);
  });

  test('credentials, conditions and files', () => {
    const target = compiled({
      name: 'a',
      url: 'https://a.test',
      auth: { username: 'u', password: 'p' },
      ip: 'only-6',
      expect: { status: [200, '3xx'], latency: '<300ms', body: 'x', body_not: ['y'], headers: { a: 'b' }, json: '$.a' },
      tls_config: { ca_file: 'ca.pem', insecure_skip_verify: true },
    });
    expect(target.spec).toMatchObject({
      headers: { Authorization: `Basic ${Buffer.from('u:p').toString('base64')}` },
      family: { prefer: 6, fallback: false },
      expect: { statuses: ['200', '3xx'], latencyMs: 300, json: ['$.a'] },
      tls: { ca: 'content of ca.pem', insecure: true },
    });
    expect(compiled({ name: 'a', url: 'http://a', bearer_token: 't' }).spec).toMatchObject({
      headers: { Authorization: 'Bearer t' },
    });
    expect(JSON.stringify(target.config)).not.toContain('"p"');
    expect(() => compiled({ name: 'a', url: 'http://a', proxy: 'http://p:1' }, 'api')).toThrow('proxy can be set');
    expect(() => compiled({ name: 'a', module: 'none', target: 'x' })).toThrow('Module "none" is not known');
    expect(() => compiled({ name: 'a', module: 'http_2xx' })).toThrow('needs "target"');
  });

  test.each([
    { name: 'a', url: 'ftp://a' },
    { name: 'a', url: 'http://u:p@a/' },
    { name: 'a', url: 'http://a', expect: { json: 'status' } },
    { name: 'a', url: 'http://a', expect: { body: '(' } },
    { name: 'a', url: 'http://a', interval: 'soon' },
    { name: 'a', url: 'http://a', expect: { status: '7xx' } },
    { name: 'a', tcp: 'no-port' },
  ])('a mistake: %j', (config) => {
    expect(targetConfig.safeParse(config).success).toBe(false);
  });

  test('ids, doubles, and parents in a circle', () => {
    expect(targetId('Web Application — Ü')).toBe('web-application-u');
    expect(targetId('日本')).toMatch(/^target-[0-9a-f]+$/);
    const one = (id: string, ...dependsOn: string[]) => ({ id, name: id, dependsOn });
    expect(
      targetProblems([one('a', 'b'), one('b', 'a'), one('c', 'x'), one('b', 'a')]).map(({ at, key }) => [at, key]),
    ).toEqual([
      [0, 'depends_on'],
      [1, 'depends_on'],
      [2, 'depends_on'],
      [3, 'name'],
      [3, 'depends_on'],
    ]);
    expect(targetsConfig.parse([{ name: 'a', url: 'http://a' }])).toMatchObject({
      concurrency: 1_000,
      allow_private: [],
    });
    expect(targetsConfig.parse({ allow_private: ['10.0.0.0/8'] })).toMatchObject({ list: [] });
  });
});

import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AlertConsole } from '../../src/app/monitor/alert-console.ts';
import { childEnvironment } from '../../src/app/process/child-environment.ts';
import { openHttpPort } from '../../src/app/process/http-port.ts';
import { listeningPort, processTree } from '../../src/app/stack/listening-port.ts';
import { MonitorHealth } from '../../src/app/monitor/health.ts';
import { readRunFile, removeRunFile, writeRunFile } from '../../src/app/process/run-file.ts';
import { testRules } from '../../src/app/monitor/rule-tests.ts';
import type { Alert } from '../../src/model/alert.ts';
import type { Frame } from '../../src/model/frame.ts';
import type { Health } from '../../src/model/health.ts';
import { Labels } from '../../src/model/labels.ts';
import { recordingLogger } from '../support/recording-logger.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-app-'));

it('an error of a port that cannot be opened names the port and the reason', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const open = openHttpPort({ host: '127.0.0.1', port }, 'monitor.otlp_http', () => {});
  await expect(open).rejects.toMatchObject({
    code: 'port_taken',
    message: `monitor.otlp_http: 127.0.0.1:${port} is in use by another process.`,
  });
  const foreign = openHttpPort({ host: '192.0.2.1', port: 0 }, 'monitor.listen', () => {});
  await expect(foreign).rejects.toMatchObject({ code: 'bind_failed' });
  taken.close();
});

describe('childEnvironment', () => {
  it('passes on exporters and sampler, but not the settings of each process', () => {
    const env = childEnvironment(
      {
        OTEL_TRACES_EXPORTER: 'otlp',
        OTEL_TRACES_SAMPLER: 'always_on',
        OTEL_METRICS_EXPORTER: 'prometheus',
        OTEL_SERVICE_NAME: 'mine',
        OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,team=b,service.instance.id=c',
        NODE_OPTIONS: '--inspect',
      },
      { PORT: '1', NOT: undefined },
    );
    expect(env).toEqual({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_RESOURCE_ATTRIBUTES: 'team=b',
      PORT: '1',
    });
    expect(childEnvironment({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=a' })).toEqual({});
  });
});

describe('run file', () => {
  it('is readable by its owner only, and gone at the end', () => {
    writeRunFile(dir, {
      pid: process.pid,
      services: [{ name: 'a', url: 'http://127.0.0.1:1', pid: 2 }],
      drillToken: 'hush',
    });
    expect(statSync(path.join(dir, 'run.json')).mode & 0o777).toBe(0o600);
    expect(readRunFile(dir)).toMatchObject({ pid: process.pid, drillToken: 'hush' });
    removeRunFile(dir);
    expect(() => readRunFile(dir)).toThrow(/No Vitrine runs on/);
  });
});

describe('listeningPort', () => {
  it('finds the port of a process, preferring the one it was given', async () => {
    const servers = [createServer(), createServer()];
    const ports = await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve) =>
            server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
          ),
      ),
    );
    const [first, second] = ports.sort((a, b) => a - b);
    expect(listeningPort(process.pid, second)).toBe(second);
    expect(listeningPort(process.pid, 1)).toBeLessThanOrEqual(first);
    expect(processTree(process.pid)[0]).toBe(process.pid);
    for (const server of servers) server.close();
  });

  it('finds nothing for a process that does not exist', () => expect(listeningPort(2 ** 22 + 1, 80)).toBeUndefined());
});

const alert = (more: Partial<Alert>, severity = 'critical'): Alert => ({
  labels: Labels.from({ alertname: 'Errors', severity }),
  annotations: { summary: 'too many' },
  state: 'firing',
  activeAtMs: 1,
  value: 1,
  reason: 'because',
  ...more,
});

describe('AlertConsole', () => {
  it('logs each alert once when it fires and once when it ends', () => {
    const logger = recordingLogger();
    const console = new AlertConsole(logger);
    console.alerts([alert({ state: 'pending' })]);
    console.alerts([alert({})]);
    console.alerts([alert({}), alert({}, 'warning')]);
    console.alerts([alert({ state: 'inactive', resolvedAtMs: 2, annotations: {} })]);
    console.alerts([alert({ state: 'inactive', resolvedAtMs: 2 })]);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'ALERT firing Errors: too many'],
      ['warn', 'ALERT firing Errors: too many'],
      ['info', 'ALERT resolved Errors: because'],
    ]);
  });
});

describe('MonitorHealth', () => {
  const clock = { time: 0, now: () => clock.time, monotonic: () => clock.time, after: () => () => {} };
  const stackHealth: Health = {
    status: 'healthy',
    uptime: '1 minute',
    uptime_seconds: 60,
    memory_usage_mb: 100,
    cache_size_mb: 2.5,
    queue_size: 3,
    components: {
      balancer: { status: 'healthy', uptime_seconds: 60 },
      cache: { status: 'healthy', uptime_seconds: 59 },
    },
  };
  const frame = { health: stackHealth } as Frame;
  const make = (alerts: readonly Alert[] = [], writable = true, intervalMs = 1_000): MonitorHealth =>
    new MonitorHealth({
      clock,
      intervalMs,
      alerts: () => alerts,
      expectsStack: false,
      storeWritable: () => writable,
      storeFigures: () => ({ series: 5 }),
    });

  it('alone has itself as the only component', () => {
    const report = make().report();
    expect(Object.keys(report.components)).toEqual(['monitor']);
    expect(report).toMatchObject({ status: 'healthy', alerts_firing: 0, cache_size_mb: 0, queue_size: 0 });
    expect(report.components['monitor']).toMatchObject({ series: 5 });
  });

  it('shows the health that the stack reported, and marks it unknown after five seconds without a frame', () => {
    clock.time = 1_000;
    const health = make();
    health.heard(frame);
    expect(health.report()).toMatchObject({ status: 'healthy', uptime_seconds: 60, cache_size_mb: 2.5, queue_size: 3 });
    clock.time = 8_000;
    const report = health.report();
    expect(report.status).toBe('degraded');
    expect(report.components['balancer'].reason).toBe('The balancer has sent nothing for 7 s.');
  });

  it('does not mark a stack with a long interval as unknown', () => {
    clock.time = 1_000;
    const health = make([], true, 10_000);
    health.heard(frame);
    clock.time = 30_000;
    expect(health.report().status).toBe('healthy');
    clock.time = 31_000;
    expect(health.report().status).toBe('degraded');
  });

  it('is degraded by a critical alert and by a full disk, not by a warning', () => {
    expect(make([alert({})]).report()).toMatchObject({ status: 'degraded', alerts_firing: 1 });
    expect(make([alert({}, 'warning')]).report()).toMatchObject({ status: 'healthy', alerts_firing: 1 });
    expect(make([], false).report().components['monitor'].reason).toMatch(/disk is full/);
  });
});

describe('testRules', () => {
  it('runs the shipped rule tests and reports failed expectations', async () => {
    const file = path.join(dir, 'rules.yaml');
    writeFileSync(file, 'groups: [{ name: g, rules: [{ record: a:b, expr: a + 1 }] }]\n');
    const test = (expected: number): string => {
      const name = path.join(dir, `test-${expected}.yaml`);
      writeFileSync(
        name,
        `rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series: [{ series: a, values: '1 1 1' }]\n    promql_expr_test: [{ expr: 'a:b', eval_time: 2m, exp_samples: [{ labels: 'a:b', value: ${expected} }] }]\n`,
      );
      return name;
    };
    const [good, bad] = await testRules([test(2), test(3)]);
    expect(good).toMatchObject({ passed: 1, failures: [] });
    expect(bad.failures).toHaveLength(1);
    await expect(testRules([path.join(dir, 'absent.yaml')])).rejects.toThrow(/cannot be read \(ENOENT\)/);
    expect(readFileSync(file, 'utf8')).toContain('a:b');
  });
});

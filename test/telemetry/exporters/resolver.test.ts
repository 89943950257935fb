import { describe, expect, it } from 'vitest';
import { recordingLogger } from '../../support/recording-logger.ts';
import { loadLogExporter, loadMetrics, loadSpanExporter } from '../../../src/telemetry/exporters/loading.ts';
import { describeExporters, resolveExporters, warnOf } from '../../../src/telemetry/exporters/resolver.ts';

const FIXTURES = new URL('../fixtures', import.meta.url).pathname;

describe('resolveExporters', () => {
  it('resolves unset, empty and none to no exporter', () => {
    for (const value of [undefined, '', '  ', ' , ', 'none', 'none,none']) {
      expect(resolveExporters({ OTEL_TRACES_EXPORTER: value, OTEL_METRICS_EXPORTER: value }).choices).toEqual([]);
    }
  });

  it('trims names, removes duplicates and keeps the order', () => {
    const { choices } = resolveExporters({
      OTEL_METRICS_EXPORTER: ' prometheus, otlp ,otlp,prometheus , none, ./own.js',
    });
    expect(choices.map(({ name, kind }) => `${name}:${kind}`)).toEqual([
      'prometheus:prometheus',
      'otlp:otlp',
      './own.js:module',
    ]);
  });

  it('uses the default list only for an unset variable', () => {
    const { choices } = resolveExporters({ OTEL_LOGS_EXPORTER: 'none' }, ['otlp']);
    expect(choices.map(({ signal }) => signal)).toEqual(['traces', 'metrics']);
  });

  it('appends the path to the common endpoint and uses a signal endpoint unchanged', () => {
    const { choices } = resolveExporters({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/base/',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://u:secret@l:1/x?token=secret',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc',
    });
    expect(choices.map((choice) => (choice.kind === 'otlp' ? choice.endpoint : ''))).toEqual([
      'http://c:4318/base/v1/traces',
      'http://c:4318/base/',
      'http://l:1/x',
    ]);
  });

  it('warns once of each invalid value and continues', () => {
    const table = resolveExporters({
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon',
      OTEL_EXPORTER_PROMETHEUS_PORT: '99999',
    });
    const logger = recordingLogger();
    warnOf(table, logger);
    expect(logger.lines.map(({ message }) => message)).toEqual([
      'OTEL_EXPORTER_OTLP_PROTOCOL is none of http/protobuf, http/json, grpc and is ignored.',
      'OTEL_EXPORTER_PROMETHEUS_PORT is not a port from 1 to 65535; 9464 is used.',
    ]);
    expect(describeExporters(table)).toEqual([
      'traces: otlp (http/protobuf) to http://localhost:4318/v1/traces',
      'metrics: otlp (http/protobuf) to http://localhost:4318/v1/metrics',
      'metrics: prometheus on http://127.0.0.1:9464/metrics',
      'logs: none',
    ]);
  });

  it('has no exporters when the SDK is disabled', () => {
    const table = resolveExporters({ OTEL_SDK_DISABLED: 'TRUE', OTEL_TRACES_EXPORTER: 'otlp' });
    expect(table).toMatchObject({ disabled: true, choices: [] });
    expect(describeExporters(table)[0]).toContain('OTEL_SDK_DISABLED');
  });
});

describe('loading', () => {
  const load = async (signal: 'traces' | 'metrics' | 'logs', name: string): Promise<unknown> => {
    const table = resolveExporters({ [`OTEL_${signal.toUpperCase()}_EXPORTER`]: name });
    const run = { traces: loadSpanExporter, metrics: loadMetrics, logs: loadLogExporter }[signal];
    return run(table.choices[0], FIXTURES);
  };

  it.each(['http/protobuf', 'http/json', 'grpc'])('finds the OTLP exporters for %s', async (protocol) => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
    for (const [signal, run] of [
      ['TRACES', loadSpanExporter],
      ['METRICS', loadMetrics],
      ['LOGS', loadLogExporter],
    ] as const) {
      const { choices } = resolveExporters({ ...env, [`OTEL_${signal}_EXPORTER`]: 'otlp' });
      expect(await run(choices[0], FIXTURES)).toBeTypeOf('object');
    }
  });

  it('loads console for each signal', async () => {
    for (const signal of ['traces', 'metrics', 'logs'] as const)
      expect(await load(signal, 'console')).toBeTypeOf('object');
  });

  it('loads modules by path, with named and default exports', async () => {
    expect(await load('traces', './own-exporter.mjs')).toHaveProperty('export');
    expect(await load('logs', './own-exporter.mjs')).toHaveProperty('export');
    expect(await load('metrics', './own-exporter.mjs')).toMatchObject({ kind: 'reader' });
    expect(await load('metrics', './default-exporter.cjs')).toMatchObject({ kind: 'exporter' });
  });

  it.each([
    ['traces', 'no-such-exporter', 'cannot be found', 'npm install no-such-exporter'],
    ['traces', 'prometheus', 'cannot be found', 'known without installing: otlp, console, none)'],
    ['metrics', './missing.mjs', 'cannot be found', 'Check the path'],
    ['traces', './default-exporter.cjs', 'exports no createSpanExporter', 'Export a function createSpanExporter()'],
    ['traces', './throwing-exporter.mjs', 'createSpanExporter() of "./throwing-exporter.mjs" failed: no luck', ''],
    ['logs', './throwing-exporter.mjs', 'without export() and shutdown()', ''],
    ['traces', './broken-exporter.mjs', 'cannot be loaded: it broke', ''],
  ] as const)('refuses %s %s', async (signal, name, message, hint) => {
    await expect(load(signal, name)).rejects.toMatchObject({
      code: 'exporter_unknown',
      exitCode: 3,
      message: expect.stringContaining(message) as string,
      ...(hint === '' ? {} : { hint: expect.stringContaining(hint) as string }),
    });
  });
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as absent from '../../src/telemetry/absent-exporters.ts';

const ROOT = new URL('../..', import.meta.url);

/** Packages loaded by a fresh process that imports `modules`, in order. */
async function loadedBy(...modules: string[]): Promise<string[]> {
  const program = `
    const { registerHooks } = await import('node:module');
    const loaded = new Set();
    registerHooks({
      load(url, context, next) {
        const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1];
        if (name !== undefined) loaded.add(name);
        return next(url, context);
      },
    });
    for (const name of ${JSON.stringify(modules)}) await import(name);
    console.log(JSON.stringify([...loaded]));
  `;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  return JSON.parse(stdout) as string[];
}

const isExpensive = (name: string): boolean => /exporter-|otlp-|grpc|zipkin|configuration|yaml|ajv/.test(name);
const SLIM = './src/telemetry/slim-sdk.ts';

describe('slim sdk', () => {
  it('loads NodeSDK without the exporters that the package itself loads', async () => {
    const [slim, whole] = await Promise.all([loadedBy(SLIM), loadedBy('@opentelemetry/sdk-node')]);
    expect(slim).toContain('@opentelemetry/sdk-node');
    expect(slim.filter(isExpensive)).toEqual([]);
    expect(whole.filter(isExpensive).length).toBeGreaterThan(5);
  });

  it('leaves the exporters of other importers unchanged', async () => {
    const exporter = '@opentelemetry/exporter-trace-otlp-proto';
    expect(await loadedBy(SLIM, exporter)).toEqual(expect.arrayContaining([exporter]));
  });

  it('throws a clear error when a replaced export is used', () => {
    expect(() => new absent.OTLPTraceExporter()).toThrow('OTLPTraceExporter was left out');
  });
});

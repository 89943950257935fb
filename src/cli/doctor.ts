/** `vitrine doctor`: checks everything that a start needs, and says how to fix each problem. Starts and changes nothing. */
import { statfsSync, accessSync, constants, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { VitrineError } from '../base/errors.ts';
import { formatBytes } from '../base/units.ts';
import { readRunFile, type RunFile } from '../app/process/run-file.ts';
import { addressText, configFile, localUrl, readSettings } from '../app/process/settings.ts';
import type { Settings } from '../app/process/settings-schema.ts';
import type { Address } from '../config/types.ts';
import { describeExporters, resolveExporters } from '../telemetry/exporters/resolver.ts';
import { isAlive } from '../telemetry/process-identity.ts';
import { paint, print, visible } from './output.ts';
import { version } from '../app/process/version.ts';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly found: string;
  /** How to fix it when it is not ok. */
  readonly hint?: string;
}

const MIN_FREE_BYTES = 256 * 1024 * 1024;

export async function doctor(flags: Record<string, unknown>): Promise<number> {
  const findings: Finding[] = [
    { what: 'vitrine', ok: true, found: version() },
    { what: 'node', ok: true, found: `${process.versions.node} ${process.platform}-${process.arch}` },
  ];
  const file = configFile(flags['config'] as string | undefined);
  const settings = configuration(file, findings);
  if (settings !== undefined) {
    const dataDir = (flags['data'] as string | undefined) ?? settings.store.path;
    const run = runningOn(dataDir);
    if (run !== undefined) findings.push({ what: 'running', ok: true, found: runText(run) });
    findings.push(...(await ports(settings, run)), disk(dataDir));
  }
  findings.push(...exporters());
  report(findings, flags['json'] === true);
  return findings.every(({ ok }) => ok) ? 0 : 5;
}

function configuration(file: string | undefined, findings: Finding[]): Settings | undefined {
  try {
    const warnings: string[] = [];
    const settings = readSettings({ file, env: process.env }, (sentence) => warnings.push(sentence));
    const found = [file ?? 'defaults', ...warnings].join('; ');
    findings.push({ what: 'configuration', ok: true, found });
    return settings;
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    findings.push({
      what: 'configuration',
      ok: false,
      found: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
    return undefined;
  }
}

/** The Vitrine that runs on the directory, by its run file; undefined when the process of that file has ended. */
function runningOn(dataDir: string): RunFile | undefined {
  try {
    const run = readRunFile(dataDir);
    return isAlive(run.pid) ? run : undefined;
  } catch {
    // There is no run file.
    return undefined;
  }
}

const runText = ({ pid, monitor }: RunFile): string =>
  `Vitrine runs here (pid ${pid})${monitor === undefined ? '' : `, its page is ${monitor}`}`;

async function ports(settings: Settings, run: RunFile | undefined): Promise<Finding[]> {
  const wanted: [string, Address][] = [
    ['balancer', settings.balancer.listen],
    ['monitor', settings.monitor.listen],
    ['OTLP/HTTP', settings.monitor.otlp_http],
    ['OTLP/gRPC', settings.monitor.otlp_grpc],
    ...(settings.status_page === undefined ? [] : [['status page', settings.status_page.listen] as [string, Address]]),
  ];
  return Promise.all(
    wanted.map(async ([name, at]): Promise<Finding> => {
      const code = await bindError(at);
      if (code === undefined) return { what: `port ${name}`, ok: true, found: `${addressText(at)} is free` };
      const own = [run?.balancer, run?.monitor, run?.otlpHttp, run?.otlpGrpc].includes(localUrl(at));
      if (own)
        return { what: `port ${name}`, ok: true, found: `${addressText(at)} is used by the Vitrine that runs here` };
      return {
        what: `port ${name}`,
        ok: false,
        found: `${addressText(at)}: ${code}`,
        hint: 'Stop the program that uses it (is Vitrine running?) or set another address.',
      };
    }),
  );
}

function bindError({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

function disk(dir: string): Finding {
  const folder = existsSync(dir) ? dir : path.dirname(path.resolve(dir));
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    return {
      what: 'data',
      ok: free >= MIN_FREE_BYTES,
      found: `${dir}, ${formatBytes(free)} free`,
      hint: 'Free some space or name another directory with --data.',
    };
  } catch (error) {
    return {
      what: 'data',
      ok: false,
      found: `${dir}: ${(error as NodeJS.ErrnoException).code ?? 'error'}`,
      hint: 'Name a writable directory with --data.',
    };
  }
}

function exporters(): Finding[] {
  const table = resolveExporters(process.env);
  return [
    ...describeExporters(table).map((found) => ({ what: 'exporters', ok: true, found })),
    ...table.warnings.map((found) => ({ what: 'exporters', ok: false, found, hint: 'Correct or unset the variable.' })),
  ];
}

function report(findings: readonly Finding[], json: boolean): void {
  if (json) {
    print(JSON.stringify({ ok: findings.every(({ ok }) => ok), findings }));
    return;
  }
  const width = Math.max(...findings.map(({ what }) => what.length));
  for (const { what, ok, found, hint } of findings) {
    print(`${ok ? paint('green', 'ok  ') : paint('red', 'FAIL')}  ${what.padEnd(width)}  ${visible(found)}`);
    if (!ok && hint !== undefined) print(`${' '.repeat(width + 8)}${hint}`);
  }
}

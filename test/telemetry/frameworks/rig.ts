/** Runs the apps of this folder with the packages of its own lock file, under a preload, against a collector. */
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../support/until.ts';
import { startCollector } from '../collector.ts';

export const OURS = path.resolve(import.meta.dirname, '../../../src/telemetry/register.ts');
export const BUNDLE = import.meta.resolve('@opentelemetry/auto-instrumentations-node/register');

/** The folder with the installed packages; undefined, with a line that says why, when they cannot be had. */
export function installed(): string | undefined {
  try {
    // Elsewhere than in CI a test run fetches nothing.
    const args = [path.join(import.meta.dirname, 'install.sh'), ...(process.env['CI'] ? [] : ['--cached'])];
    const out = execFileSync('bash', args, { timeout: 240_000 });
    const folder = out.toString().trim().split('\n').at(-1) ?? '';
    if (existsSync(path.join(folder, 'node_modules'))) return folder;
  } catch {
    // Said below.
  }
  console.log('skipped: the frameworks are not installed (test/telemetry/frameworks/install.sh)');
  return undefined;
}

export interface SeenSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Types of the exceptions. */
  readonly exceptions: readonly string[];
}
export interface SeenLine {
  readonly scope: string;
  readonly severity: string;
  readonly body: string;
  readonly traceId: string;
}
export interface Seen {
  readonly statuses: readonly string[];
  /** Of the answers, with the folder of the app as `.`. */
  readonly bodies: readonly string[];
  readonly spans: readonly SeenSpan[];
  readonly lines: readonly SeenLine[];
  readonly stderr: string;
}

type Pair = { readonly key: string; readonly value: Readonly<Record<string, unknown>> };
interface Raw {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly attributes: readonly Pair[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly Pair[] }[];
}
interface RawLine {
  readonly severityText?: string;
  readonly body?: { readonly stringValue?: string };
  readonly traceId?: string;
}
interface Body {
  readonly resourceSpans?: readonly { readonly scopeSpans: readonly { readonly spans: readonly Raw[] }[] }[];
  readonly resourceLogs?: readonly {
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string };
      readonly logRecords: readonly RawLine[];
    }[];
  }[];
}

const plain = (pairs: readonly Pair[] = []): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));

function spanOf({ name, kind, traceId, attributes, events = [] }: Raw): SeenSpan {
  const exceptions = events
    .filter((event) => event.name === 'exception')
    .map((event) => String(plain(event.attributes)['exception.type']));
  return { name, kind, traceId, attributes: plain(attributes), exceptions };
}

function seenIn(bodies: readonly { readonly body: Buffer }[]): Pick<Seen, 'spans' | 'lines'> {
  const parsed = bodies.map(({ body }) => JSON.parse(body.toString()) as Body);
  const spans = parsed.flatMap(({ resourceSpans = [] }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans.map(spanOf))),
  );
  const lines = parsed.flatMap(({ resourceLogs = [] }) =>
    resourceLogs.flatMap(({ scopeLogs }) =>
      scopeLogs.flatMap(({ scope, logRecords }) =>
        logRecords.map(({ severityText = '', body, traceId = '' }) => ({
          scope: scope.name,
          severity: severityText,
          body: body?.stringValue ?? '',
          traceId,
        })),
      ),
    ),
  );
  return { spans, lines };
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: string;
  /** What must have come before the app is ended; by default a server span for each path. */
  readonly enough?: (seen: Pick<Seen, 'spans' | 'lines'>) => boolean;
}

/** Does nothing: the application as it is without any preload. */
export const NONE = 'data:text/javascript,';

/** Asks the app for each path (`POST /x` too), waits for what it reports, and ends it. */
export async function run(
  packages: string,
  app: string,
  paths: readonly string[],
  options: RunOptions = {},
): Promise<Seen> {
  const { env = {}, preload = OURS } = options;
  const enough = options.enough ?? (({ spans }) => spans.filter(({ kind }) => kind === 2).length >= paths.length);
  const work = mkdtempSync(path.join(tmpdir(), 'vitrine-frameworks-'));
  cpSync(path.join(import.meta.dirname, 'apps'), work, { recursive: true });
  symlinkSync(path.join(packages, 'node_modules'), path.join(work, 'node_modules'));
  const collector = await startCollector('ok');
  const child = fork(path.join(work, 'run.mjs'), [`./${app}`], {
    cwd: work,
    execArgv: ['--import', preload],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BLRP_SCHEDULE_DELAY: '50',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
      ...env,
    },
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const statuses: string[] = [];
    const bodies: string[] = [];
    for (const target of paths) {
      const [method, at] = target.includes(' ') ? target.split(' ') : ['GET', target];
      const body = method === 'POST' ? { body: '{"a":1}', headers: { 'content-type': 'application/json' } } : {};
      const response = await fetch(`http://127.0.0.1:${port}${at}`, { method, ...body });
      bodies.push((await response.text()).replaceAll(work, '.'));
      statuses.push(`${method} ${at} ${response.status}`);
    }
    await until(
      () => enough(seenIn(collector.bodies)),
      15_000,
      () => `the app reported ${JSON.stringify(seenIn(collector.bodies).spans.map(({ name }) => name))}; ${stderr}`,
    );
    return { statuses, bodies, ...seenIn(collector.bodies), stderr };
  } finally {
    child.kill('SIGKILL');
    await collector.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** Routes of server spans by path. */
export const routesOf = (seen: Seen): Record<string, unknown> =>
  Object.fromEntries(
    seen.spans
      .filter(({ kind }) => kind === 2)
      .map(({ attributes }) => [String(attributes['url.path']), attributes['http.route'] ?? 'none']),
  );

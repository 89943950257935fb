/** Runs an application with telemetry of its own under the preload: what Vitrine gets, what the application's own intake gets. */
import { spawn } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { freshDir } from '../../support/program.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';
import { startCollector } from '../../telemetry/collector.ts';

const REGISTER = path.resolve(import.meta.dirname, '../../../src/telemetry/register.ts');

export interface SeenSpan {
  readonly scope: string;
  readonly kind: number;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Raw {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly (Omit<SeenSpan, 'scope' | 'attributes'> & {
        readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
      })[];
    }[];
  }[];
}

function spansOf(bodies: readonly string[]): SeenSpan[] {
  return bodies
    .flatMap((body) => (JSON.parse(body) as Raw).resourceSpans ?? [])
    .flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) =>
        spans.map(({ attributes, ...span }) => ({
          ...span,
          scope: scope.name,
          attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
        })),
      ),
    );
}

export interface Intake {
  readonly port: number;
  /** `METHOD path` with the body. */
  readonly requests: { readonly to: string; readonly body: string }[];
}

export interface OwnTelemetry {
  readonly answers: readonly string[];
  /** What Vitrine got. */
  readonly ours: readonly SeenSpan[];
  /** What came to the address of the application's own exporter, where this is OTLP/HTTP JSON. */
  readonly theirs: readonly SeenSpan[];
  readonly intake: Intake;
  readonly output: string;
}

export interface OwnApp {
  /** `node_modules`. */
  readonly packages: string;
  readonly files: (intake: number, target: number) => Readonly<Record<string, string>>;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env?: (intake: number) => Readonly<Record<string, string>>;
  readonly paths: readonly string[];
  /** Whether all has come that is waited for. */
  readonly isComplete: (seen: Pick<OwnTelemetry, 'ours' | 'theirs' | 'intake'>) => boolean;
  readonly preload?: boolean;
}

async function listening(server: http.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export async function runOwn(app: OwnApp): Promise<OwnTelemetry> {
  const ours = await startCollector();
  const requests: Intake['requests'] = [];
  const intakeServer = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ to: `${request.method} ${request.url}`, body: Buffer.concat(chunks).toString() });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  const target = http.createServer((_request, response) => response.end('target'));
  const intake = { port: await listening(intakeServer), requests };
  const dir = freshDir('own');
  const port = await freePort();
  symlinkSync(app.packages, path.join(dir, 'node_modules'));
  for (const [name, text] of Object.entries(app.files(intake.port, await listening(target))))
    writeFileSync(path.join(dir, name), text);
  const child = spawn(process.execPath, app.args, {
    cwd: dir,
    env: {
      PATH: process.env['PATH'],
      HOME: dir,
      PORT: String(port),
      ...app.env?.(intake.port),
      ...(app.preload === false
        ? {}
        : {
            NODE_OPTIONS: `--import=${REGISTER}`,
            OTEL_BSP_SCHEDULE_DELAY: '100',
            OTEL_METRICS_EXPORTER: 'none',
            OTEL_LOGS_EXPORTER: 'none',
            OTEL_EXPORTER_OTLP_ENDPOINT: ours.url,
            OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await until(
      () => /^up$/m.test(output),
      60_000,
      () => output,
    );
    const answers: string[] = [];
    for (const each of app.paths) {
      const answer = await fetch(`http://127.0.0.1:${port}${each}`);
      answers.push(`${answer.status} ${(await answer.text()).slice(0, 20)}`);
    }
    const seen = (): Pick<OwnTelemetry, 'ours' | 'theirs' | 'intake'> => ({
      ours: spansOf(ours.bodies.filter((each) => each.path === '/v1/traces').map(({ body }) => body.toString())),
      theirs: spansOf(requests.filter(({ to }) => to === 'POST /v1/traces').map(({ body }) => body)),
      intake,
    });
    await until(
      () => app.isComplete(seen()),
      60_000,
      () => `${output}\n${JSON.stringify(seen(), undefined, 1).slice(0, 4_000)}`,
    );
    return { answers, output, ...seen() };
  } finally {
    child.kill('SIGKILL');
    await ended;
    for (const server of [intakeServer, target]) {
      server.close();
      server.closeAllConnections();
    }
    await ours.close();
  }
}

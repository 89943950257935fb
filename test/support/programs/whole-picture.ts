/**
 * The whole picture of compose without containers: Vitrine and two sample services, whose metrics go to a Collector, which
 * real Prometheus scrapes and whose alerts real Alertmanager gets. The services send to the Collector alone and it passes theirs on to
 * Vitrine, so each series reaches each engine only once.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startAlertmanager, startCollector, startPrometheus, type Alertmanager } from './observability-programs.ts';
import { freshDir, startProgram, startServer, type Program, type Server } from '../program.ts';
import { freePort, MAIN, REPOSITORY, startVitrine, type Vitrine } from './vitrine-process.ts';

const PRELOAD = path.join(REPOSITORY, 'src/telemetry/register.ts');
const SERVICE = path.join(REPOSITORY, 'src/sample/entry.ts');

/** Services have a receiver of their own, whose metrics go to Vitrine as well. */
const overlay = (servicesPort: number, vitrine: string): string => `
receivers:
  otlp/services:
    protocols:
      http: { endpoint: 127.0.0.1:${servicesPort} }
exporters:
  otlp_http/vitrine: { endpoint: ${vitrine} }
service:
  pipelines:
    metrics/services: { receivers: [otlp/services], processors: [memory_limiter, batch], exporters: [prometheus, otlp_http/vitrine] }
    logs/services: { receivers: [otlp/services], processors: [memory_limiter, batch], exporters: [otlp_http/vitrine] }
`;

/** `deploy/prometheus/prometheus.yml` with what compose names written over, scraping each second. */
export function prometheusConfig(places: Readonly<Record<string, string>>): string {
  let text = readFileSync(path.join(REPOSITORY, 'deploy/prometheus/prometheus.yml'), 'utf8');
  for (const [name, here] of Object.entries(places)) text = text.replaceAll(name, here);
  return text.replace(/(scrape|evaluation)_interval: 5s/g, '$1_interval: 1s');
}

export interface WholePicture extends AsyncDisposable {
  readonly vitrine: Vitrine;
  readonly services: readonly Program[];
  readonly prometheus: Server;
  readonly alertmanager: Alertmanager;
  /** Starts simulated users; the process ends by itself. */
  load(seconds: number, users?: number): Program;
}

export interface WholePictureOptions {
  /** Folder of the rule files that Prometheus evaluates. */
  readonly rules?: string;
  /** Of Prometheus; Debian's unless told otherwise. */
  readonly prometheus?: string | undefined;
}

export async function startWholePicture(options: WholePictureOptions = {}): Promise<WholePicture> {
  await using stack = new AsyncDisposableStack();
  const dir = freshDir('picture');
  stack.defer(() => rmSync(dir, { recursive: true, force: true }));
  const [otlpHttp, monitorPort, servicesPort, first, second] = await Promise.all(Array.from({ length: 5 }, freePort));
  const collector = stack.use(await startCollector([overlay(servicesPort, `http://127.0.0.1:${otlpHttp}`)]));
  const alertmanager = stack.use(await startAlertmanager());
  const services = await Promise.all(
    [first, second].map((port) =>
      startServer(
        process.execPath,
        ['--import', PRELOAD, SERVICE, '--port', String(port), '--data', dir, '--log-level', 'error'],
        {
          readyUrl: `http://127.0.0.1:${port}/livez`,
          env: {
            PORT: String(port),
            OTEL_SERVICE_NAME: 'payments',
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${servicesPort}`,
            OTEL_METRIC_EXPORT_INTERVAL: '1000',
            OTEL_TRACES_EXPORTER: 'none',
          },
        },
      ),
    ),
  );
  for (const service of services) stack.use(service);
  const vitrine = stack.use(
    await startVitrine({
      env: {
        VITRINE_MONITOR__LISTEN: `127.0.0.1:${monitorPort}`,
        VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${otlpHttp}`,
        VITRINE_BALANCER__UPSTREAMS: `http://127.0.0.1:${first},http://127.0.0.1:${second}`,
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpHttp,
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
      },
      ready: false,
    }),
  );
  const monitor = `127.0.0.1:${monitorPort}`;
  // This monitor asks for none, but Prometheus scrapes nothing without the file.
  const token = path.join(dir, 'token');
  writeFileSync(token, 'none');
  const prometheus = stack.use(
    await startPrometheus({
      program: options.prometheus,
      config: prometheusConfig({
        'collector:8889': collector.prometheus,
        'monitor:4000': monitor,
        'alertmanager:9093': alertmanager.address,
        '/run/secrets/vitrine_token': token,
        '/etc/prometheus/rules': options.rules ?? path.join(REPOSITORY, 'rules'),
      }),
    }),
  );
  const all = stack.move();
  return {
    vitrine: { ...vitrine, monitor: `http://${monitor}` },
    services,
    prometheus,
    alertmanager,
    load: (seconds, users = 6) =>
      startProgram(process.execPath, [
        MAIN,
        'load',
        '--url',
        vitrine.balancer,
        '--scenario',
        'payments',
        '--users',
        String(users),
        '--duration',
        String(seconds),
        '--rate',
        '40',
      ]),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Label sets of series → values by time, of one engine's range query. */
export type Answer = ReadonlyMap<string, ReadonlyMap<number, number>>;

interface Matrix {
  readonly status: string;
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] };
}

/** Throws when the engine refuses the query. */
export async function askRange(
  engine: string,
  query: string,
  start: number,
  end: number,
  step: number,
): Promise<Answer> {
  const body = new URLSearchParams({ query, start: String(start), end: String(end), step: String(step) });
  const response = await fetch(`${engine}/api/v1/query_range`, { method: 'POST', body });
  const answer = (await response.json()) as Matrix;
  if (answer.status !== 'success') throw new Error(`${engine} refuses ${query}: ${JSON.stringify(answer)}`);
  return new Map(
    answer.data.result.map(({ metric, values }) => [
      JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))),
      new Map(values.map(([at, text]) => [at, Number(text)])),
    ]),
  );
}

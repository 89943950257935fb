/**
 * The programs that teams use with Vitrine, as real processes on free ports: Collector, Prometheus, Alertmanager, Jaeger.
 * They run the files of this repository; only addresses and folders, which compose gives by host name, are replaced.
 */
import { spawnSync } from 'node:child_process';
import { realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir, neededProgram, startServer, type Program, type Server } from '../program.ts';
import { freePort, REPOSITORY } from './vitrine-process.ts';

const at = (port: number): string => `127.0.0.1:${port}`;

export interface Collector extends Program {
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  /** host:port of its page for Prometheus. */
  readonly prometheus: string;
}

/** The Collector with `otel-collector/config.yaml`; `overlays` are YAML texts that it merges over that file. */
export async function startCollector(overlays: readonly string[] = [], jaeger?: string): Promise<Collector> {
  const [health, grpc, http, prometheus, nobody] = await Promise.all(Array.from({ length: 5 }, freePort));
  const dir = freshDir('collector');
  const files = overlays.map((text, index) => {
    const file = path.join(dir, `overlay-${index}.yaml`);
    writeFileSync(file, text);
    return file;
  });
  const configs = [path.join(REPOSITORY, 'otel-collector/config.yaml'), ...files];
  const program = await startServer(
    neededProgram('otelcol'),
    configs.flatMap((file) => ['--config', file]),
    {
      ownDir: dir,
      readyUrl: `http://${at(health)}/`,
      env: {
        COLLECTOR_HEALTH: at(health),
        COLLECTOR_OTLP_GRPC: at(grpc),
        COLLECTOR_OTLP_HTTP: at(http),
        COLLECTOR_PROMETHEUS: at(prometheus),
        JAEGER_OTLP: jaeger ?? at(nobody),
      },
    },
  );
  return { ...program, otlpHttp: `http://${at(http)}`, otlpGrpc: `http://${at(grpc)}`, prometheus: at(prometheus) };
}

export interface PrometheusOptions {
  /** The system's own unless told otherwise. */
  readonly program?: string | undefined;
  /** The text of prometheus.yml; without it nothing is scraped. */
  readonly config?: string | undefined;
  readonly flags?: readonly string[] | undefined;
  /** Scrapes and sends on, keeps nothing. */
  readonly agent?: boolean | undefined;
  readonly cpu?: number | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Prometheus, which takes remote write besides what it scrapes. */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<Server> {
  const address = at(await freePort());
  const dir = freshDir('prometheus');
  const config = path.join(dir, 'prometheus.yml');
  writeFileSync(config, options.config ?? 'global: { scrape_interval: 1h }\n');
  return startServer(
    options.program ?? neededProgram('prometheus'),
    [
      `--config.file=${config}`,
      `--web.listen-address=${address}`,
      '--log.level=warn',
      ...(options.agent === true
        ? ['--agent', `--storage.agent.path=${path.join(dir, 'data')}`]
        : [
            `--storage.tsdb.path=${path.join(dir, 'data')}`,
            '--web.enable-remote-write-receiver',
            '--web.enable-admin-api',
          ]),
      ...(options.flags ?? []),
    ],
    { ownDir: dir, readyUrl: `http://${address}/-/ready`, cpu: options.cpu, env: options.env },
  );
}

export function prometheusVersion(program: string): string {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  // Built from the Go module, it does not know its own number; the module's is in the name of the file.
  const built = /\(version: .*|version (\d\S*)/.exec(stdout)?.[1];
  return built ?? `3 (${path.basename(realpathSync(program)).replace('prometheus3-', '')})`;
}

export interface Alertmanager extends Program {
  readonly address: string;
}

/** Alertmanager with `deploy/alertmanager/alertmanager.yml`. */
export async function startAlertmanager(): Promise<Alertmanager> {
  const address = at(await freePort());
  const dir = freshDir('alertmanager');
  const program = await startServer(
    neededProgram('prometheus-alertmanager', 'alertmanager'),
    [
      `--config.file=${path.join(REPOSITORY, 'deploy/alertmanager/alertmanager.yml')}`,
      `--storage.path=${dir}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ],
    { ownDir: dir, readyUrl: `http://${address}/-/ready` },
  );
  return { ...program, address };
}

export interface Jaeger extends Program {
  readonly otlpGrpc: string;
  readonly otlpHttp: string;
  readonly query: string;
}

export async function startJaeger(): Promise<Jaeger> {
  const flags = [
    'admin.http.host-port',
    'collector.grpc-server.host-port',
    'collector.http-server.host-port',
    'http-server.host-port',
    'processor.jaeger-binary.server-host-port',
    'processor.jaeger-compact.server-host-port',
    'processor.zipkin-compact.server-host-port',
    'query.grpc-server.host-port',
  ];
  const [otlp, otlpHttp, query, ...others] = await Promise.all(Array.from({ length: flags.length + 3 }, freePort));
  const program = await startServer(
    neededProgram('jaeger'),
    [
      `--collector.otlp.grpc.host-port=${at(otlp)}`,
      `--collector.otlp.http.host-port=${at(otlpHttp)}`,
      `--query.http-server.host-port=${at(query)}`,
      ...flags.map((flag, index) => `--${flag}=${at(others[index])}`),
    ],
    { env: { SPAN_STORAGE_TYPE: 'memory' }, readyUrl: `http://${at(query)}/api/services` },
  );
  return { ...program, otlpGrpc: at(otlp), otlpHttp: `http://${at(otlpHttp)}`, query: `http://${at(query)}` };
}

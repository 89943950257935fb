/**
 * The whole configuration: the sections of all folders under one root, read from file, environment and flags. Sections of
 * later work are accepted and named in a warning, so that a file written for a newer Vitrine still starts this one.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { VitrineError } from '../../base/errors.ts';
import { loadConfig, readConfigFile, type KeyAlias } from '../../config/load.ts';
import { address, duration, httpUrl, secret, size, type Address } from '../../config/types.ts';
import { isLoopback } from '../../model/exposure.ts';
import { ingestConfig } from '../../monitor/ingest/config.ts';
import { alertsConfig } from '../../monitor/alerts/config.ts';
import { storeConfig } from '../../monitor/store/config.ts';
import { balancerSchema } from '../../stack/balancer/config.ts';
import { cacheConfig } from '../../stack/cache/config.ts';
import { settingsProblems } from './settings-checks.ts';

const monitor = z.strictObject({
  listen: address().prefault('127.0.0.1:4000').describe('Page, REST, Prometheus API, WebSocket, health.'),
  otlp_http: address().prefault('127.0.0.1:4318').describe('OTLP over HTTP.'),
  otlp_grpc: address().prefault('127.0.0.1:4317').describe('OTLP over gRPC.'),
  allowed_hosts: z
    .array(z.string())
    .default([])
    .describe('Values of Host that are answered beside loopback names and the listen address.'),
});

const telemetry = z.strictObject({
  monitor: httpUrl().optional().describe('OTLP URL of the Vitrine that a balancer running alone sends to.'),
  log_level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Lines below this level are not written.'),
  log_max_size: size({ min: 65_536 }).prefault('64MiB').describe('A log file is rotated at this size, and each day.'),
  log_keep: z.int().min(1).max(1000).default(7).describe('Rotated log files that are kept, compressed.'),
  interval: duration({ min: 1_000, max: 60_000 })
    .prefault('1s')
    .describe(
      'How often the own processes and the sample services collect figures and send them to the monitor, and how often rules without an interval of their own are evaluated. Rates over one minute need 20s or less.',
    ),
});

const sample = z.strictObject({
  enabled: z.boolean().default(true).describe('Start the sample services when no upstream is configured.'),
  listen: z
    .array(address())
    .max(8)
    .prefault(['127.0.0.1:8081', '127.0.0.1:8082'])
    .describe('One sample service an address.'),
});

const auth = z.strictObject({
  token: secret().optional().describe('Needed from whoever asks 4000, 4317 and 4318; a must beyond loopback.'),
});

const later = z.unknown().optional().describe('Not used in this version.');

export const settingsSchema = z.strictObject({
  balancer: balancerSchema,
  cache: cacheConfig.prefault({}),
  sample: sample.prefault({}),
  telemetry: telemetry.prefault({}),
  monitor: monitor.prefault({}),
  store: storeConfig.prefault({}),
  ingest: ingestConfig.prefault({}),
  alerts: alertsConfig.prefault([]),
  rules: z
    .array(z.string().min(1))
    .max(1_000)
    .prefault([])
    .describe('Prometheus rule files, with `*` for many; taken from the directory of this file.'),
  auth: auth.prefault({}),
  targets: later,
  notify: later,
  analysis: later,
  reports: later,
  monitoring: later,
  ai: later,
  database: z
    .strictObject({ path: z.string().optional() })
    .optional()
    .describe('Not used: the store has its own directory.'),
});

export type Settings = z.output<typeof settingsSchema>;

const LATER_SECTIONS = ['targets', 'notify', 'analysis', 'reports', 'monitoring', 'ai'] as const;
const DEFAULT_FILE = 'vitrine.yaml';

/** The JSON file of a flat performance monitor (`monitoring`, `alerts.email`, `database`, `ai`) is taken as it stands. */
const ALIASES: readonly KeyAlias[] = [
  { from: ['database', 'retention_days'], to: ['store', 'retention'], convert: (days) => `${String(days)}d` },
];

export interface SettingsSources {
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Dotted key → value, from the flag of that name. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Dotted key → value of defaults that replace the schema's. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/** The file named, or ./vitrine.yaml when it is there. */
export function configFile(named: string | undefined): string | undefined {
  return named ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/**
 * Throws VitrineError `config_invalid` with everything that is wrong, `config_unreadable` or `auth_required_to_bind`.
 * `warn` is told what is not wrong and worth knowing.
 */
export function readSettings(sources: SettingsSources, warn: (sentence: string) => void = () => {}): Settings {
  const file = configFile(sources.file);
  return settingsFrom(file === undefined ? undefined : readConfigFile(file), sources, warn);
}

/** As `readSettings`, of a text that was read already. */
export function settingsFrom(
  text: string | undefined,
  { file, env, flags = {}, defaults = {} }: SettingsSources,
  warn: (sentence: string) => void = () => {},
): Settings {
  const overlays = Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ path: key.split('.'), value, source: `--${key.split('.').at(-1) ?? key}` }));
  const token = env['VITRINE_TOKEN'] ?? '';
  if (token !== '') overlays.push({ path: ['auth', 'token'], value: token, source: 'VITRINE_TOKEN' });
  const { config, warnings } = loadConfig({
    schema: settingsSchema,
    file: configFile(file) ?? 'vitrine.yaml',
    text,
    env,
    flags: overlays,
    defaults: Object.entries(defaults).map(([key, value]) => ({ path: key.split('.'), value, source: 'default' })),
    aliases: ALIASES,
    check: settingsProblems,
  });
  checkExposure(config);
  const directory = path.dirname(configFile(file) ?? '.');
  for (const sentence of [...warnings, ...warningsOf(config)]) warn(sentence);
  return { ...config, rules: config.rules.map((pattern) => path.resolve(directory, pattern)) };
}

function checkExposure({ monitor: ports, auth: { token } }: Settings): void {
  const exposed = (['listen', 'otlp_http', 'otlp_grpc'] as const).find((name) => !isLoopback(ports[name].host));
  if (exposed === undefined || token !== undefined) return;
  throw new VitrineError(
    'auth_required_to_bind',
    `monitor.${exposed} is ${addressText(ports[exposed])}, which others can reach, and no token is set.`,
    {
      hint: 'Set auth.token_file, auth.token or VITRINE_TOKEN, or listen on 127.0.0.1.',
    },
  );
}

/** Shorter ones are guessed in no time. */
const MIN_TOKEN_LENGTH = 16;

function warningsOf(settings: Settings): string[] {
  const token = settings.auth.token?.reveal();
  return [
    ...LATER_SECTIONS.filter((section) => settings[section] !== undefined).map(
      (section) => `${section}: not used by this version`,
    ),
    ...(token !== undefined && token.length < MIN_TOKEN_LENGTH
      ? [`auth.token: a token of fewer than ${MIN_TOKEN_LENGTH} characters is easily guessed`]
      : []),
  ];
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address as others on this machine reach it. */
export function localUrl({ host, port }: Address): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}

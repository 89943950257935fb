/**
 * The whole configuration: the sections of all folders under one root, read from file, environment and flags. Sections of
 * later work are accepted and named in a warning, so that a file written for a newer Vitrine still starts this one.
 */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../base/errors.ts';
import { check as checkConfig, resolve, type Checked } from '../config/resolve.ts';
import { address, duration, httpUrl, isLoopback, secret, size, type Address } from '../config/types.ts';
import { ingestConfig } from '../monitor/ingest/config.ts';
import { alertsConfig } from '../monitor/alerts/config.ts';
import { storeConfig } from '../monitor/store/config.ts';
import { balancerSchema } from '../stack/balancer/config.ts';
import { cacheConfig } from '../stack/cache/config.ts';
import { acceptFlatMonitorFile } from './flat-monitor-file.ts';

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
  interval: duration({ min: 100, max: 60_000 }).prefault('1s').describe('How often figures are collected.'),
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
  auth: auth.prefault({}),
  targets: later,
  notify: later,
  analysis: later,
  reports: later,
});

export type Settings = z.output<typeof settingsSchema>;

const LATER_SECTIONS = ['targets', 'notify', 'analysis', 'reports'] as const;
const DEFAULT_FILE = 'vitrine.yaml';

export interface SettingsSources {
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** The file named, or ./vitrine.yaml when it is there. */
export function configFile(named: string | undefined): string | undefined {
  return named ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

export function checkSettings(sources: SettingsSources): Checked<Settings> {
  return checkConfig(settingsSchema, { ...sources, file: configFile(sources.file) }, acceptFlatMonitorFile);
}

/** Throws VitrineError `config_invalid`, `config_unreadable` or `auth_required_to_bind`. */
export function readSettings(sources: SettingsSources): Settings {
  const settings = resolve(settingsSchema, { ...sources, file: configFile(sources.file) }, acceptFlatMonitorFile);
  const exposed = Object.entries({
    listen: settings.monitor.listen,
    otlp_http: settings.monitor.otlp_http,
    otlp_grpc: settings.monitor.otlp_grpc,
  }).filter(([, { host }]) => !isLoopback(host));
  if (exposed.length > 0 && settings.auth.token === undefined) {
    const [[name, at]] = exposed;
    throw new VitrineError(
      'auth_required_to_bind',
      `monitor.${name} is ${addressText(at)}, which others can reach, and no token is set.`,
      {
        hint: 'Set auth.token_file, auth.token or VITRINE_TOKEN, or listen on 127.0.0.1.',
      },
    );
  }
  return settings;
}

/** Sections that are set and not used by this version. */
export function unusedSections(settings: Settings): string[] {
  return LATER_SECTIONS.filter((section) => settings[section] !== undefined);
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

/** The schema of the whole configuration: the sections of all folders under one root. */
import { z } from 'zod';
import { address, duration, httpUrl, secret, size } from '../../config/types.ts';
import { ingestConfig } from '../../monitor/ingest/config.ts';
import { alertsConfig } from '../../monitor/alerts/config.ts';
import { notifyConfig } from '../../monitor/alerts/notify/config.ts';
import { objectivesConfig } from '../../monitor/targets/objectives/schema.ts';
import { monitoringConfig, probeConfig, targetsConfig } from '../../monitor/targets/config/schema.ts';
import { statusPageConfig } from '../../monitor/status/config.ts';
import { storeConfig } from '../../monitor/store/config.ts';
import { balancerSchema } from '../../stack/balancer/config.ts';
import { cacheConfig } from '../../stack/cache/config.ts';

const monitor = z.strictObject({
  listen: address().prefault('127.0.0.1:4000').describe('Page, REST, Prometheus API, WebSocket, health.'),
  otlp_http: address().prefault('127.0.0.1:4318').describe('OTLP over HTTP.'),
  otlp_grpc: address().prefault('127.0.0.1:4317').describe('OTLP over gRPC.'),
  allowed_hosts: z
    .array(z.string())
    .default([])
    .describe('Values of Host that are accepted, besides loopback names and the listen address.'),
});

const telemetry = z.strictObject({
  monitor: httpUrl()
    .optional()
    .describe('OTLP URL of the monitor to which a balancer that runs alone sends its telemetry.'),
  log_level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Lines below this level are not written.'),
  log_max_size: size({ min: 65_536 }).prefault('64MiB').describe('A log file is rotated at this size, and each day.'),
  log_keep: z.int().min(1).max(1000).default(7).describe('Number of rotated log files to keep, compressed.'),
  interval: duration({ min: 1_000, max: 60_000 })
    .prefault('1s')
    .describe(
      "How often Vitrine's own processes and the sample services collect metrics and send them to the monitor (a process in which nothing happens: every five seconds), and how often rules without their own interval are evaluated. Rates over one minute need 20s or less.",
    ),
});

const sample = z.strictObject({
  enabled: z.boolean().default(true).describe('Start the sample services when no upstream is configured.'),
  listen: z
    .array(address())
    .max(8)
    .prefault(['127.0.0.1:8081', '127.0.0.1:8082'])
    .describe('Addresses of the sample services, one service for each.'),
  traffic: z
    .boolean()
    .default(true)
    .describe(
      'Send the sample services about two requests a second, so that the page shows life. It stops when other requests come.',
    ),
});

const auth = z.strictObject({
  token: secret()
    .optional()
    .describe('Token that every client of ports 4000, 4317 and 4318 must send; required beyond loopback.'),
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
  targets: targetsConfig.prefault([]),
  probe: probeConfig.prefault({}),
  slo: objectivesConfig.prefault([]).describe('Objectives; see docs/targets.md.'),
  status_page: statusPageConfig
    .optional()
    .describe('A public page of the state of targets, on a port of its own; see docs/status-page.md.'),
  notify: notifyConfig.prefault({}),
  analysis: later,
  reports: later,
  monitoring: monitoringConfig.optional(),
  ai: later,
  database: z
    .strictObject({ path: z.string().optional() })
    .optional()
    .describe('Not used: the store has its own directory.'),
});

export type Settings = z.output<typeof settingsSchema>;

/**
 * The one table of metric names. Each metric that Vitrine's own code records is here with its OpenTelemetry name, UCUM unit, kind
 * and labels. docs/metrics.md is generated from it and dashboards are tested against it. Names without a `vitrine.` prefix are
 * the semantic conventions'; the Prometheus name of each follows from the rules in `model/naming.ts`.
 */

export interface MetricName {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'counter' | 'updowncounter' | 'gauge' | 'histogram';
  readonly description: string;
  readonly attributes: readonly string[];
}

/** Seconds. The semantic conventions' bounds with a finer start. */
export const DURATION_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const;

/** Seconds. Cache look-ups and phases are often shorter than a request, so their bounds start lower. */
export const FINE_DURATION_BOUNDS = [0.00005, 0.0001, 0.00025, ...DURATION_BOUNDS] as const;

/** One row of the table. */
export const metric = (
  name: string,
  unit: string,
  kind: MetricName['kind'],
  attributes: readonly string[],
  description: string,
): MetricName => ({ name, unit, kind, attributes, description });

const HTTP_SERVER = [
  'http.request.method',
  'url.scheme',
  'http.response.status_code',
  'error.type',
  'http.route',
  'network.protocol.version',
] as const;

export const METRICS = {
  httpServerDuration: metric(
    'http.server.request.duration',
    's',
    'histogram',
    HTTP_SERVER,
    'Duration of HTTP server requests.',
  ),
  httpServerActive: metric(
    'http.server.active_requests',
    '{request}',
    'updowncounter',
    ['http.request.method', 'url.scheme'],
    'Number of HTTP server requests in flight.',
  ),
  httpClientDuration: metric(
    'http.client.request.duration',
    's',
    'histogram',
    ['http.request.method', 'server.address', 'server.port', 'http.response.status_code', 'error.type'],
    'Duration of HTTP client requests.',
  ),
  dbDuration: metric(
    'db.client.operation.duration',
    's',
    'histogram',
    ['db.system.name', 'db.operation.name', 'db.namespace', 'error.type'],
    'Duration of database client operations.',
  ),
  phaseDuration: metric(
    'vitrine.balancer.phase.duration',
    's',
    'histogram',
    ['vitrine.phase', 'http.route', 'http.request.method'],
    'Time a request spent in one phase of the balancer: queue, cache, connect, upstream or transfer.',
  ),
  queueSize: metric('vitrine.balancer.queue.size', '{request}', 'gauge', [], 'Requests waiting for an upstream.'),
  upstreamUp: metric(
    'vitrine.balancer.upstream.up',
    '1',
    'updowncounter',
    ['vitrine.upstream'],
    '1 while the upstream takes traffic, else 0.',
  ),
  upstreamDrained: metric(
    'vitrine.balancer.upstream.drained',
    '1',
    'updowncounter',
    ['vitrine.upstream'],
    '1 while the upstream is drained by hand, else 0.',
  ),
  upstreamRequests: metric(
    'vitrine.balancer.upstream.requests',
    '{request}',
    'counter',
    ['vitrine.upstream', 'http.response.status_code', 'error.type'],
    'Requests sent to an upstream, retries included, health checks not.',
  ),
  retries: metric(
    'vitrine.balancer.retries',
    '{retry}',
    'counter',
    ['vitrine.upstream', 'reason'],
    'Requests sent again to another upstream.',
  ),
  ejections: metric(
    'vitrine.balancer.ejections',
    '{ejection}',
    'counter',
    ['vitrine.upstream', 'reason'],
    'Upstreams taken out of the rotation.',
  ),
  panic: metric(
    'vitrine.balancer.panic',
    '1',
    'updowncounter',
    ['http.route'],
    '1 while every upstream of the route is out and all of them are tried, else 0.',
  ),
  shed: metric(
    'vitrine.balancer.shed',
    '{request}',
    'counter',
    ['reason'],
    'Requests refused because nothing could take them in time.',
  ),
  gated: metric(
    'vitrine.balancer.gated',
    '{request}',
    'counter',
    ['vitrine.route', 'reason'],
    'Requests that a switch of their route answered: rate_limit, concurrency, password, address, maintenance, redirect or size.',
  ),
  routesRefused: metric(
    'vitrine.ingest.routes.refused',
    '{route}',
    'counter',
    [],
    'Routes of applications that the monitor did not tell the balancer, because there are too many of them.',
  ),
  routesLearned: metric(
    'vitrine.balancer.routes.learned',
    '{route}',
    'counter',
    ['vitrine.route', 'vitrine.result'],
    'Routes that the spans of the application told the balancer; refused above the limit.',
  ),
  compressed: metric(
    'vitrine.balancer.compressed',
    '{response}',
    'counter',
    ['vitrine.coding'],
    'Answers that the balancer compressed, by coding; busy: sent as they were, because too many were being compressed.',
  ),
  accessLogDropped: metric(
    'vitrine.balancer.access_log.dropped',
    '{line}',
    'counter',
    [],
    'Lines of the access log that its file did not take in time.',
  ),
  limitKeys: metric(
    'vitrine.balancer.rate_limit.keys',
    '{key}',
    'gauge',
    ['vitrine.route'],
    'Clients or keys that the rate limit of a route remembers.',
  ),
  limitForgotten: metric(
    'vitrine.balancer.rate_limit.forgotten',
    '{key}',
    'counter',
    ['vitrine.route'],
    'Keys that a rate limit forgot before their allowance was whole again, because there were too many.',
  ),
  cacheLookups: metric(
    'vitrine.cache.lookups',
    '{lookup}',
    'counter',
    ['vitrine.cache.name', 'vitrine.cache.result'],
    'Cache look-ups by result: hit, miss, stale, bypass or error.',
  ),
  cacheEntries: metric(
    'vitrine.cache.entries',
    '{entry}',
    'updowncounter',
    ['vitrine.cache.name'],
    'Entries held in memory.',
  ),
  cacheSize: metric('vitrine.cache.size', 'By', 'updowncounter', ['vitrine.cache.name'], 'Bytes held in memory.'),
  cacheEvictions: metric(
    'vitrine.cache.evictions',
    '{eviction}',
    'counter',
    ['vitrine.cache.name', 'reason'],
    'Entries that left before their time.',
  ),
  cacheLookupDuration: metric(
    'vitrine.cache.lookup.duration',
    's',
    'histogram',
    ['vitrine.cache.name', 'vitrine.cache.result'],
    'Duration of cache look-ups.',
  ),
  componentUptime: metric(
    'vitrine.component.uptime',
    's',
    'gauge',
    ['vitrine.component'],
    'Time since the component came up.',
  ),
  logRecords: metric('vitrine.log.records', '{record}', 'counter', ['service', 'severity'], 'Log records received.'),
  logMisfits: metric(
    'vitrine.log.misfits',
    '{record}',
    'counter',
    ['reason'],
    'Log records that were kept although they did not fit: `schema` by the configured JSON Schema, `text` with a text that was cut, `fields` with more fields than are kept.',
  ),
  logNewPatterns: metric(
    'vitrine.log.new_patterns',
    '{pattern}',
    'counter',
    ['service', 'severity'],
    'Patterns of log lines that appeared in a service that had been known for ten minutes.',
  ),
  sloEvents: metric(
    'vitrine.slo.events',
    '{event}',
    'counter',
    ['slo', 'result'],
    'Requests that objectives over the request ledger count, by result: good or bad.',
  ),
  spanMetricsOverflow: metric(
    'vitrine.span_metrics.overflow',
    '{span}',
    'counter',
    [],
    'Spans and calls that span metrics and the service graph counted together because there were too many combinations of labels.',
  ),
  logErrorRatio: metric(
    'vitrine.log.error_ratio_1m',
    '',
    'gauge',
    ['service'],
    'Share of error lines in the last 60 s.',
  ),
  logRate: metric('vitrine.log.rate_1m', '', 'gauge', ['service'], 'Log lines in the last 60 s.'),
  logLastSeen: metric(
    'vitrine.log.last_seen_timestamp',
    's',
    'gauge',
    ['service'],
    'When the service last sent a log line.',
  ),
  logFirstSeen: metric(
    'vitrine.log.first_seen_timestamp',
    's',
    'gauge',
    ['service'],
    'When the service sent its first log line; begins anew after ten minutes without lines.',
  ),
  logFormerRun: metric(
    'vitrine.log.former_run',
    's',
    'gauge',
    ['service'],
    'The longest of the earlier runs of the service, each ended by ten minutes without lines; only of services that run for less than two hours.',
  ),
  alertsFiring: metric('vitrine.alert.firing', '{alert}', 'gauge', ['severity'], 'Alerts that fire now.'),
  alertEvaluation: metric(
    'vitrine.alert.evaluation.duration',
    's',
    'histogram',
    ['group'],
    'Duration of a rule group evaluation.',
  ),
  alertEvaluationFailures: metric(
    'vitrine.alert.evaluation.failures',
    '{failure}',
    'counter',
    ['group'],
    'Rule evaluations that failed.',
  ),
  alertMissed: metric(
    'vitrine.alert.evaluations.missed',
    '{evaluation}',
    'counter',
    ['group'],
    'Rule group evaluations that were skipped because the one before still ran.',
  ),
  alertNotifications: metric(
    'vitrine.alert.notifications',
    '{notification}',
    'counter',
    ['receiver', 'integration'],
    'Notifications that were delivered.',
  ),
  alertNotificationFailures: metric(
    'vitrine.alert.notification.failures',
    '{failure}',
    'counter',
    ['receiver', 'integration', 'reason'],
    'Tries to deliver a notification that failed.',
  ),
  alertPictures: metric(
    'vitrine.alert.pictures',
    '{picture}',
    'counter',
    ['result'],
    'Charts that were drawn for messages (`drawn`), and messages that went without one: `late`, `busy`, `failed`.',
  ),
  alertSuppressed: metric(
    'vitrine.alert.suppressed',
    '{alert}',
    'counter',
    ['reason'],
    'Alerts that were left out of a flush, by reason.',
  ),
  alertRefused: metric(
    'vitrine.alert.refused',
    '{alert}',
    'counter',
    ['reason'],
    'Alerts that the pipeline did not take.',
  ),
  ingestItems: metric(
    'vitrine.ingest.items',
    '{item}',
    'counter',
    ['signal', 'road'],
    'Items accepted, by signal and road.',
  ),
  ingestRejected: metric(
    'vitrine.ingest.rejected',
    '{item}',
    'counter',
    ['signal', 'reason'],
    'Items refused, by signal and reason.',
  ),
  ingestRequestsRefused: metric(
    'vitrine.ingest.requests.refused',
    '{request}',
    'counter',
    ['code'],
    'Requests refused as a whole, nothing of them kept, by error code. Senders are told, and come back with those that will pass.',
  ),
  framesSkipped: metric(
    'vitrine.ingest.frames.skipped',
    '{frame}',
    'counter',
    [],
    'Frames of the stack that were skipped because the monitor had not answered the last.',
  ),
  storeSeries: metric('vitrine.store.series', '{series}', 'gauge', [], 'Series held in memory.'),
  storeHeadSize: metric('vitrine.store.head.size', 'By', 'gauge', [], 'Bytes of decoded samples in memory.'),
  storeSize: metric('vitrine.store.size', 'By', 'gauge', [], 'Bytes on disk.'),
  storeTimeToFull: metric(
    'vitrine.store.time_to_full',
    's',
    'gauge',
    [],
    'Time until the size limit at the present rate.',
  ),
  storeWritable: metric(
    'vitrine.store.writable',
    '',
    'gauge',
    [],
    '1 while writes are kept, 0 while the disk is full.',
  ),
  exporterDropped: metric(
    'vitrine.telemetry.dropped',
    '{item}',
    'counter',
    ['signal', 'exporter'],
    'Telemetry that an exporter gave up.',
  ),
  configReload: metric(
    'vitrine.config.last_reload_successful',
    '',
    'gauge',
    [],
    '1 when the last reload of the configuration held.',
  ),
  configReloadTime: metric(
    'vitrine.config.last_reload_success.timestamp',
    's',
    'gauge',
    [],
    'Unix time of the last reload of the configuration that held; absent before the first.',
  ),
  transactions: metric(
    'payments.transactions',
    '{transaction}',
    'counter',
    ['outcome', 'kind'],
    'Transactions of the sample service by outcome.',
  ),
  transactionDuration: metric(
    'payments.transaction.duration',
    's',
    'histogram',
    ['kind'],
    'Processing time of a transaction.',
  ),
  authDuration: metric(
    'payments.auth.duration',
    's',
    'histogram',
    ['operation', 'outcome'],
    'Time of a sign-in or token check.',
  ),
} as const satisfies Record<string, MetricName>;

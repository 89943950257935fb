/** An application with telemetry of its own is unharmed, keeps its exporters, and is seen as one without. */
import { beforeAll, describe, expect, test } from 'vitest';
import { runOwn, type OwnApp, type SeenSpan } from './harness/own-telemetry.ts';
import { arePackagesInstalled, installPackages, packagesFolder, type PackageSet } from './harness/packages.ts';

const SERVER = 2;
const LIMIT_MS = 180_000;
const servers = (spans: readonly SeenSpan[]): SeenSpan[] => spans.filter(({ kind }) => kind === SERVER);
const named = (spans: readonly SeenSpan[], name: string): SeenSpan[] => spans.filter((span) => span.name === name);

const SERVE = `
const app = require('express')();
const api = require('@opentelemetry/api');
app.get('/users/:id', (q, s) => {
  const span = api.trace.getTracer('mine').startSpan('work', { attributes: { a: 1 } });
  api.context.with(api.trace.setSpan(api.context.active(), span), () => api.trace.getTracer('mine').startActiveSpan('inner', (inner) => inner.end()));
  span.recordException(new Error('noted'));
  span.end();
  require('node:http').get('http://127.0.0.1:' + process.env.TARGET + '/t', (r) => { r.resume(); r.on('end', () => s.send('ok')); });
});
app.listen(process.env.PORT, '127.0.0.1', () => console.log('up'));`;

const options = (
  withHttp: boolean,
): string => `{ serviceName: 'theirs', resourceDetectors: [], traceExporter: new OTLPTraceExporter({ url: process.env.THEIRS }),
  instrumentations: [${withHttp ? 'new HttpInstrumentation()' : ''}] }`;
const CONSOLE = 'diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);';

const inCode = (withHttp: boolean): string => `
const { diag, DiagConsoleLogger, DiagLogLevel } = require('@opentelemetry/api'); ${CONSOLE}
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
new NodeSDK(${options(withHttp)}).start();
${SERVE}`;
/** An ES module gets the other build of newer packages. */
const IMPORTED = `
import { diag, DiagConsoleLogger, DiagLogLevel } from '@opentelemetry/api'; ${CONSOLE}
import { NodeSDK } from '@opentelemetry/sdk-node';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
new NodeSDK(${options(true)}).start();`;

const own = (set: PackageSet, more: Partial<OwnApp> & Pick<OwnApp, 'files' | 'args'>): OwnApp => ({
  packages: packagesFolder(set),
  env: (intake) => ({ THEIRS: `http://127.0.0.1:${intake}/v1/traces`, OTEL_BSP_SCHEDULE_DELAY: '100' }),
  paths: ['/users/1', '/users/2'],
  isComplete: ({ ours, theirs }) => servers(ours).length >= 2 && servers(theirs).length >= 2,
  ...more,
});

const withTarget =
  (files: Readonly<Record<string, string>>): OwnApp['files'] =>
  (_intake, target) =>
    Object.fromEntries(
      Object.entries(files).map(([name, text]) => [name, text.replaceAll('process.env.TARGET', `'${target}'`)]),
    );

describe.each(['sdk-1', 'sdk-2', 'sdk-3'] as const)('an own SDK of OpenTelemetry, %s', (set) => {
  const isHere = arePackagesInstalled(set) || process.env['CI'] !== undefined;
  beforeAll(async () => {
    if (isHere) await installPackages(set);
  }, 600_000);

  test.skipIf(!isHere).each([
    ['started in its code', { 'app.cjs': inCode(true) }, ['app.cjs'], '@opentelemetry/instrumentation-http'],
    [
      'started by --import',
      { 'sdk.mjs': IMPORTED, 'app.cjs': SERVE },
      ['--import', './sdk.mjs', 'app.cjs'],
      '@opentelemetry/instrumentation-http',
    ],
    ['without instrumentations', { 'app.cjs': inCode(false) }, ['app.cjs'], 'vitrine.http'],
  ] as const)('%s: both get the spans, one of each', { timeout: LIMIT_MS }, async (_name, files, args, scope) => {
    const { answers, ours, theirs, output } = await runOwn(own(set, { files: withTarget(files), args }));
    expect(answers).toEqual(['200 ok', '200 ok']);
    // No warning and no stack trace.
    expect(output).toBe('up\n');
    for (const spans of [ours, theirs]) {
      expect(servers(spans)).toHaveLength(2);
      expect(servers(spans).map((span) => span.scope)).toEqual([scope, scope]);
      for (const each of ['work', 'inner']) expect(named(spans, each)).toHaveLength(2);
      const client = spans.filter(({ kind }) => kind === 3 && spans.length > 0).filter(({ name }) => name === 'GET');
      expect(client).toHaveLength(2);
      // One trace: the parent of each span is among them.
      const roots = servers(spans).map(({ spanId }) => spanId);
      for (const span of named(spans, 'work')) expect(roots).toContain(span.parentSpanId);
    }
    const ids = (spans: readonly SeenSpan[]): string[] =>
      [...servers(spans), ...named(spans, 'work'), ...named(spans, 'inner')].map(({ spanId }) => spanId).sort();
    expect(ids(ours)).toEqual(ids(theirs));
    for (const { attributes } of servers(ours)) expect(attributes['http.route']).toBe('/users/:id');
    for (const { attributes } of named(ours, 'work')) expect(String(attributes['a'])).toBe('1');
  });
});

const AGENT_SERVER = `
const http = require('node:http');
const app = require('express')();
app.get('/users/:id', (q, s) => http.get('http://127.0.0.1:' + process.env.TARGET + '/t', (r) => { r.resume(); r.on('end', () => s.send('ok')); }));
app.listen(process.env.PORT, '127.0.0.1', () => console.log('up'));`;

interface Agent {
  readonly name: string;
  readonly start: (intake: number) => string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How each agent starts, sends to `intake` at once, and prints nothing. */
const AGENTS: readonly Agent[] = [
  {
    name: '@sentry/node',
    start: (at) => `require('@sentry/node').init({ dsn: 'http://key@127.0.0.1:${at}/1', tracesSampleRate: 1 });`,
  },
  {
    name: '@sentry/node, errors only',
    start: (at) =>
      `require('@sentry/node').init({ dsn: 'http://key@127.0.0.1:${at}/1' }); require('@sentry/node').captureMessage('m');`,
  },
  {
    name: 'dd-trace',
    start: (at) =>
      `require('dd-trace').init({ url: 'http://127.0.0.1:${at}', flushInterval: 100, startupLogs: false });`,
  },
  {
    name: 'elastic-apm-node',
    start: (at) =>
      `require('elastic-apm-node').start({ serverUrl: 'http://127.0.0.1:${at}', apiRequestTime: '500ms', logLevel: 'off' });`,
  },
  {
    // It speaks TLS alone, so that nothing arrives; its attempts must not be seen.
    name: 'newrelic',
    start: () => `require('newrelic');`,
    env: {
      NEW_RELIC_LICENSE_KEY: 'a'.repeat(40),
      NEW_RELIC_APP_NAME: 'x',
      NEW_RELIC_HOST: '127.0.0.1',
      NEW_RELIC_LOG_ENABLED: 'false',
      NEW_RELIC_NO_CONFIG_FILE: 'true',
    },
  },
];

describe('an agent of another vendor', () => {
  test.skipIf(!arePackagesInstalled()).each(AGENTS)(
    '$name works as without the preload, and its own calls are not seen',
    { timeout: LIMIT_MS },
    async ({ name, start, env }) => {
      const isSending = name !== 'newrelic';
      const app: OwnApp = {
        packages: packagesFolder(),
        files: (intake, target) => withTarget({ 'app.cjs': `${start(intake)}${AGENT_SERVER}` })(intake, target),
        args: ['app.cjs'],
        env: (intake) => ({ ...env, NEW_RELIC_PORT: String(intake) }),
        paths: ['/users/1', '/users/2'],
        isComplete: ({ ours, intake }) => servers(ours).length >= 2 && (!isSending || intake.requests.length > 0),
      };
      const { answers, ours, output, intake } = await runOwn(app);
      expect(answers).toEqual(['200 ok', '200 ok']);
      expect(output).toBe('up\n');
      expect(servers(ours).map((span) => [span.name, span.attributes['http.route']])).toEqual([
        ['GET /users/:id', '/users/:id'],
        ['GET /users/:id', '/users/:id'],
      ]);
      const ids = new Set(servers(ours).map(({ traceId }) => traceId));
      // Every other span belongs to a request, but the look-up of the address on which the application listens.
      expect(ours.filter((span) => !ids.has(span.traceId) && span.name !== 'dns.lookup')).toEqual([]);
      expect(
        ours.filter(({ kind, attributes }) => kind === 3 && String(attributes['url.full']).includes(`:${intake.port}`)),
      ).toEqual([]);
      // Nor does the agent see the calls that send telemetry.
      expect(
        intake.requests
          .filter(({ to, body }) => body.includes('/v1/traces') && !to.includes('apmtelemetry'))
          .map(({ to }) => to),
      ).toEqual([]);
    },
  );
});

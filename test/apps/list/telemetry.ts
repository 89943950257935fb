/** Applications with telemetry of their own. */
import type { Application } from '../harness/application.ts';

const ROUTES = [{ path: '/users/7' }, { path: '/no' }];
const SERVE = `const app = require('express')();
app.get('/users/:id', (q, s) => s.send(q.params.id));
app.listen(process.env.PORT, '127.0.0.1', () => console.log('it is up'));`;

const own = (name: string, start: string, more: Partial<Application> = {}): Application => ({
  name,
  files: { 'server.cjs': `${start}\n${SERVE}` },
  command: () => ['node', 'server.cjs'],
  ready: '/no-such-path',
  printed: /it is up/,
  probes: ROUTES,
  packages: '.',
  ...more,
});

const SDK = `const { diag, DiagConsoleLogger, DiagLogLevel } = require('@opentelemetry/api');
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
new NodeSDK({ serviceName: 'app', resourceDetectors: [], instrumentations: [new HttpInstrumentation()],
  traceExporter: new OTLPTraceExporter({ url: (process.env.OTEL_EXPORTER_OTLP_ENDPOINT ?? 'http://127.0.0.1:9') + '/v1/traces' }) }).start();`;

export const TELEMETRY: readonly Application[] = [
  own('an own SDK of OpenTelemetry 1.x', SDK, { packages: 'sdk-1' }),
  own('an own SDK of OpenTelemetry 2.x', SDK, { packages: 'sdk-2' }),
  own('an own SDK of OpenTelemetry 3.x', SDK, { packages: 'sdk-3' }),
  own('Sentry', "require('@sentry/node').init({ dsn: 'http://key@127.0.0.1:9/1', tracesSampleRate: 1 });"),
  own('dd-trace', "require('dd-trace').init({ url: 'http://127.0.0.1:9', startupLogs: false });"),
  own('elastic-apm-node', "require('elastic-apm-node').start({ serverUrl: 'http://127.0.0.1:9', logLevel: 'off' });"),
  own('newrelic', "require('newrelic');", {
    env: () => ({
      NEW_RELIC_LICENSE_KEY: 'a'.repeat(40),
      NEW_RELIC_APP_NAME: 'x',
      NEW_RELIC_HOST: '127.0.0.1',
      NEW_RELIC_PORT: '9',
      NEW_RELIC_LOG_ENABLED: 'false',
      NEW_RELIC_NO_CONFIG_FILE: 'true',
    }),
  }),
];

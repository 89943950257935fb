import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentOf } from '../../../src/telemetry/others/config-environment.ts';
import { freshDir } from '../../support/program.ts';

const require = createRequire(import.meta.url);
const { parseConfigFile } = createRequire(require.resolve('@opentelemetry/sdk-node'))(
  '@opentelemetry/configuration',
) as {
  parseConfigFile: (file: string) => unknown;
};

function told(yaml: string): ReturnType<typeof environmentOf> {
  const file = path.join(freshDir('otel-file'), 'otel.yaml');
  writeFileSync(file, `file_format: "1.0"\n${yaml}`);
  return environmentOf(parseConfigFile(file));
}

describe('a declarative configuration as variables', () => {
  it('says everything that a variable says', () => {
    const { env, unused } = told(`
disabled: false
log_level: warn2
attribute_limits: { attribute_value_length_limit: 10, attribute_count_limit: 20 }
resource:
  attributes: [ { name: service.name, value: x }, { name: team, value: "a b,c" }, { name: shard, value: 3 } ]
  attributes_list: "zone=eu%2C1,service.instance.id=y"
propagator: { composite: [ { b3: }, { tracecontext: } ], composite_list: "baggage,b3" }
tracer_provider:
  sampler: { parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } } } }
  limits: { event_count_limit: 5, link_attribute_count_limit: 6 }
  processors:
    - batch: { schedule_delay: 100, max_queue_size: 50, exporter: { otlp_http: {
        endpoint: "http://c:4318/v1/traces", encoding: json, compression: gzip, timeout: 900, headers: [ { name: k, value: "v=1" } ],
        headers_list: "a=b", tls: { ca_file: /ca.pem, key_file: /k.pem, cert_file: /c.pem } } } }
    - simple: { exporter: { console: } }
meter_provider:
  readers:
    - periodic: { interval: 500, timeout: 400, exporter: { otlp_grpc: { endpoint: "http://c:4317", tls: { insecure: true },
        temporality_preference: delta, default_histogram_aggregation: base2_exponential_bucket_histogram } } }
    - pull: { exporter: { "prometheus/development": { host: 127.0.0.1, port: 9465 } } }
logger_provider:
  limits: { attribute_count_limit: 7 }
  processors: [ { batch: { export_timeout: 300, exporter: { otlp_http: } } } ]
`);
    expect(unused).toEqual([]);
    expect(env).toEqual({
      OTEL_SDK_DISABLED: 'false',
      OTEL_LOG_LEVEL: 'warn',
      OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10',
      OTEL_ATTRIBUTE_COUNT_LIMIT: '20',
      // Names and instances of Vitrine's own processes are their own.
      OTEL_RESOURCE_ATTRIBUTES: 'zone=eu%2C1,team=a%20b%2Cc,shard=3',
      OTEL_PROPAGATORS: 'b3,tracecontext,baggage',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '5',
      OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '6',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_QUEUE_SIZE: '50',
      OTEL_TRACES_EXPORTER: 'otlp,console',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '900',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=b,k=v%3D1',
      OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: '/ca.pem',
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: '/k.pem',
      OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE: '/c.pem',
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '400',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://c:4317',
      OTEL_EXPORTER_OTLP_METRICS_INSECURE: 'true',
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
      OTEL_EXPORTER_PROMETHEUS_HOST: '127.0.0.1',
      OTEL_EXPORTER_PROMETHEUS_PORT: '9465',
      OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '7',
      OTEL_BLRP_EXPORT_TIMEOUT: '300',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_LOGS_PROTOCOL: 'http/protobuf',
    });
  });

  it('names the rest', () => {
    const { env, unused } = told(`
resource: { "detection/development": { detectors: [ { host: } ] } }
tracer_provider:
  id_generator: { random: }
  sampler: { parent_based: { root: { always_on: }, remote_parent_sampled: { always_off: } } }
  processors:
    - batch: { exporter: { otlp_http: { endpoint: "http://a/v1/traces" } } }
    - batch: { exporter: { otlp_http: { endpoint: "http://b/v1/traces" } } }
    - batch: { exporter: { zipkin: { endpoint: "http://z" } } }
meter_provider:
  readers: [ { periodic: { exporter: { console: { temporality_preference: delta } } } } ]
  views: [ { selector: { instrument_name: x }, stream: { name: y } } ]
  exemplar_filter: always_off
`);
    expect(env).toEqual({
      OTEL_TRACES_SAMPLER: 'parentbased_always_on',
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://a/v1/traces',
      OTEL_METRICS_EXPORTER: 'console',
    });
    expect(unused.toSorted()).toEqual([
      'meter_provider.exemplar_filter',
      'meter_provider.readers.periodic.exporter.console.temporality_preference',
      'meter_provider.views.selector.instrument_name',
      'meter_provider.views.stream.name',
      'resource.detection/development.detectors.host',
      'tracer_provider.id_generator.random',
      'tracer_provider.processors.batch.exporter.otlp_http.endpoint',
      'tracer_provider.processors.batch.exporter.zipkin.endpoint',
      'tracer_provider.sampler.parent_based.remote_parent_sampled.always_off',
    ]);
  });

  it('takes a file without sections, and what is no object', () => {
    expect(told('')).toEqual({ env: {}, unused: [] });
    expect(environmentOf(null)).toEqual({ env: {}, unused: [] });
    expect(
      told('tracer_provider: { processors: [ { simple: { exporter: { console: } } } ], sampler: { always_off: } }').env,
    ).toEqual({
      OTEL_TRACES_EXPORTER: 'console',
      OTEL_TRACES_SAMPLER: 'always_off',
    });
  });
});

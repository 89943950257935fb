/** The lines that connect a service in each language, with the address filled in. A token is never written, only its variable. Pure. */

export type Place = 'here' | 'container' | 'elsewhere';

export interface Snippet {
  readonly id: string;
  readonly title: string;
  readonly lines: readonly string[];
}

export interface ConnectTarget {
  /** Of OTLP over HTTP: `host:port`. */
  readonly otlpHttp: string;
  readonly otlpGrpc: string;
  readonly needsToken: boolean;
}

const LOOPBACK = /^(?:localhost|127\.|0\.0\.0\.0|\[::1?\])/;
const portOf = (address: string): string => address.slice(address.lastIndexOf(':') + 1);
const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));

/** The address as seen from where the service runs. `pageHost` is the host in the address of this page. */
export function addressFrom(address: string, where: Place, pageHost: string): string {
  const port = portOf(address);
  if (where === 'container') return `host.docker.internal:${port}`;
  if (where === 'elsewhere') return `${LOOPBACK.test(pageHost) ? 'YOUR_HOST' : pageHost}:${port}`;
  const host = hostOf(address);
  return LOOPBACK.test(host) ? `127.0.0.1:${port}` : address;
}

/** Why the address cannot work as it is; '' when it can. */
export function obstacle(address: string, where: Place): string {
  if (where === 'here' || !LOOPBACK.test(hostOf(address)) || hostOf(address) === '0.0.0.0') return '';
  return `Port ${portOf(address)} listens on this machine only. Set monitor.otlp_http to 0.0.0.0:${portOf(address)} and auth.token first.`;
}

export function snippetsFor({ otlpHttp, otlpGrpc, needsToken }: ConnectTarget): readonly Snippet[] {
  const environment = [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=http://${otlpHttp}`,
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    'export OTEL_SERVICE_NAME=checkout',
    ...(needsToken ? ['export OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20$VITRINE_TOKEN"'] : []),
  ];
  const curlToken = needsToken ? ' -H "authorization: Bearer $VITRINE_TOKEN"' : '';
  const span =
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}]},' +
    '"scopeSpans":[{"spans":[{"traceId":"\'$(openssl rand -hex 16)\'","spanId":"\'$(openssl rand -hex 8)\'","name":"hello",' +
    '"kind":1,"startTimeUnixNano":"\'$(date +%s)000000000\'","endTimeUnixNano":"\'$(date +%s)120000000\'"}]}]}]}';
  return [
    {
      id: 'node',
      title: 'Node',
      lines: [
        'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node',
        ...environment,
        'node --require @opentelemetry/auto-instrumentations-node/register server.js',
      ],
    },
    {
      id: 'python',
      title: 'Python',
      lines: [
        'pip install opentelemetry-distro opentelemetry-exporter-otlp',
        'opentelemetry-bootstrap -a install',
        ...environment,
        'opentelemetry-instrument python app.py',
      ],
    },
    {
      id: 'go',
      title: 'Go',
      lines: [
        'go get go.opentelemetry.io/contrib/exporters/autoexport',
        'go get go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp',
        ...environment,
        'go run .',
      ],
    },
    {
      id: 'java',
      title: 'Java',
      lines: [
        'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar',
        ...environment,
        'java -javaagent:opentelemetry-javaagent.jar -jar app.jar',
      ],
    },
    {
      id: 'curl',
      title: 'curl',
      lines: [`curl -X POST http://${otlpHttp}/v1/traces -H 'content-type: application/json'${curlToken} -d '${span}'`],
    },
    {
      id: 'collector',
      title: 'Collector',
      lines: [
        'exporters:',
        '  otlp/vitrine:',
        `    endpoint: ${otlpGrpc}`,
        '    tls: { insecure: true }',
        '    sending_queue: { num_consumers: 1 } # keeps the points of a series in order',
        ...(needsToken ? ['    headers: { authorization: "Bearer ${env:VITRINE_TOKEN}" }'] : []),
      ],
    },
  ];
}

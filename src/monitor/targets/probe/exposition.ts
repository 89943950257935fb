/** The result of a check as the exporter's page: Prometheus' text format, series sorted by name and labels. */
import { formatGeneral } from '../../../model/go-float.ts';
import type { CheckResult, ProbeSeries } from '../check.ts';

/** The exporter's words, so that dashboards and documents that quote them fit. */
const HELP: Readonly<Record<string, string>> = {
  probe_dns_additional_rrs: 'Returns number of entries in the additional resource record list',
  probe_dns_answer_rrs: 'Returns number of entries in the answer resource record list',
  probe_dns_authority_rrs: 'Returns number of entries in the authority resource record list',
  probe_dns_duration_seconds: 'Duration of DNS request by phase',
  probe_dns_lookup_time_seconds: 'Returns the time taken for probe dns lookup in seconds',
  probe_dns_query_succeeded: 'Displays whether or not the query was executed successfully',
  probe_dns_serial: 'Returns the serial number of the zone',
  probe_duration_seconds: 'Returns how long the probe took to complete in seconds',
  probe_failed_due_to_regex: 'Indicates if probe failed due to regex',
  probe_grpc_duration_seconds: 'Duration of gRPC request by phase',
  probe_grpc_healthcheck_response: 'Response HealthCheck response',
  probe_grpc_ssl: 'Indicates if SSL was used for the connection',
  probe_grpc_status_code: 'Response gRPC status code',
  probe_http_content_length: 'Length of http content response',
  probe_http_duration_seconds: 'Duration of http request by phase, summed over all redirects',
  probe_http_last_modified_timestamp_seconds: 'Returns the Last-Modified HTTP response header in unixtime',
  probe_http_redirects: 'The number of redirects',
  probe_http_ssl: 'Indicates if SSL was used for the final redirect',
  probe_http_status_code: 'Response HTTP status code',
  probe_http_uncompressed_body_length: 'Length of uncompressed response body',
  probe_http_version: 'Returns the version of HTTP of the probe response',
  probe_ip_addr_hash: "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
  probe_ip_protocol: 'Specifies whether probe ip protocol is IP4 or IP6',
  probe_ssl_earliest_cert_expiry: 'Returns last SSL chain expiry in unixtime',
  probe_ssl_last_chain_expiry_timestamp_seconds: 'Returns last SSL chain expiry in timestamp',
  probe_ssl_last_chain_info: 'Contains SSL leaf certificate information',
  probe_success: 'Displays whether or not the probe was a success',
  probe_tls_version_info: 'Returns the TLS version used or NaN when unknown',
};

/** All series of a result, with success and duration. */
export const allSeries = ({ success, durationSeconds, series }: CheckResult): ProbeSeries[] => [
  { name: 'probe_success', value: success ? 1 : 0 },
  { name: 'probe_duration_seconds', value: durationSeconds },
  ...series,
];

const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`);

function labelsText(labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escaped(value)}"`).join(',')}}`;
}

export function probePage(result: CheckResult): string {
  const byName = Map.groupBy(allSeries(result), ({ name }) => name);
  const names = [...byName.keys()].toSorted();
  const lines = names.flatMap((name) => [
    `# HELP ${name} ${HELP[name] ?? name}`,
    `# TYPE ${name} gauge`,
    ...(byName.get(name) ?? [])
      .map(({ labels, value }) => `${name}${labelsText(labels)} ${formatGeneral(value)}`)
      .toSorted(),
  ]);
  return `${lines.join('\n')}\n`;
}

/**
 * The environment of child processes. They inherit trace and log exporters, endpoints and sampler; never the metrics exporter
 * (two processes would need one port 9464), the service name or the instance, which differ for each process.
 */

const OWN = [
  'OTEL_METRICS_EXPORTER',
  'OTEL_SERVICE_NAME',
  'OTEL_EXPORTER_PROMETHEUS_PORT',
  'OTEL_EXPORTER_PROMETHEUS_HOST',
  'NODE_OPTIONS',
];
const OWN_ATTRIBUTES = ['service.name', 'service.instance.id'];

export function childEnvironment(
  env: NodeJS.ProcessEnv,
  more: Readonly<Record<string, string | undefined>> = {},
): NodeJS.ProcessEnv {
  const out: NodeJS.ProcessEnv = { ...env };
  for (const name of OWN) delete out[name];
  const attributes = (env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')
    .split(',')
    .filter((pair) => pair !== '' && !OWN_ATTRIBUTES.includes(pair.slice(0, pair.indexOf('=')).trim()));
  if (attributes.length > 0) out['OTEL_RESOURCE_ATTRIBUTES'] = attributes.join(',');
  else delete out['OTEL_RESOURCE_ATTRIBUTES'];
  for (const [name, value] of Object.entries(more)) if (value !== undefined) out[name] = value;
  return out;
}

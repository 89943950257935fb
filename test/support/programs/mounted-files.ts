/** Everything that docker-compose.yml mounts from the repository. test/e2e/packaging/mounts.e2e.ts runs each of them natively. */
export const MOUNTED = [
  './otel-collector/config.yaml',
  './deploy/prometheus/prometheus.yml',
  './rules',
  './deploy/alertmanager/alertmanager.yml',
  './deploy/grafana/provisioning',
  './dashboards',
] as const;

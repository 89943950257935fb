/**
 * Prometheus 3 as a sender, as it is installed: remote write 1.0 and 2.0, as a server and as an agent. What it sent must be
 * found under its own names, complete. (telemetrygen and the Collector send in load-otlp.e2e.ts.)
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMonitorProcess, type MonitorProcess } from '../../support/programs/monitor-process.ts';
import { startPrometheus } from '../../support/programs/observability-programs.ts';
import { programPath } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json } from '../../support/programs/vitrine-process.ts';

const program = programPath('prometheus3');
const REMOTE_WRITE = [
  ['1.0', 'prometheus.WriteRequest', false],
  ['2.0', 'io.prometheus.write.v2.Request', false],
  ['2.0 of an agent', 'io.prometheus.write.v2.Request', true],
] as const;

interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

describe('Prometheus as a sender', () => {
  let monitor: MonitorProcess;
  beforeAll(async () => {
    monitor = await startMonitorProcess({ built: true });
  });
  afterAll(() => monitor[Symbol.asyncDispose]());

  const query = async (expr: string): Promise<readonly Found[]> => {
    const body = new URLSearchParams({ query: expr });
    const url = `${monitor.url}/api/v1/query`;
    return (await json<{ data: { result: readonly Found[] } }>(url, { method: 'POST', body })).data.result;
  };

  it.skipIf(program === undefined).each(REMOTE_WRITE)(
    'by remote write %s',
    async (name, message, agent) => {
      const job = name.replaceAll(/\W/g, '_');
      // It scrapes the monitor's own page, which goes on by itself, and a target that is down.
      const config = `global: { scrape_interval: 1s, external_labels: { sender: ${job} } }
scrape_configs:
  - job_name: ${job}
    honor_timestamps: false
    static_configs: [{ targets: ['${new URL(monitor.url).host}', '127.0.0.1:1'] }]
remote_write:
  - url: ${monitor.url}/api/v1/write
    protobuf_message: ${message}
    queue_config: { batch_send_deadline: 500ms }
`;
      await using sender = await startPrometheus({ program, config, agent });
      const up = await until(
        async () => {
          const found = await query(`count_over_time(up{sender="${job}"}[1m]) >= 3`);
          return found.length === 2 ? found : undefined;
        },
        60_000,
        () => `nothing came\n${sender.output().slice(-2_000)}`,
      );
      expect(up.map(({ metric }) => metric['job'])).toEqual([job, job]);
      const states = await query(`max_over_time(up{sender="${job}"}[1m])`);
      expect(states.map(({ value }) => value[1]).sort()).toEqual(['0', '1']);
      // Every series of the page came with it, buckets too.
      expect((await query(`count({sender="${job}",__name__=~".+_bucket"})`)).length).toBe(1);
      const output = sender.output();
      expect(output).not.toMatch(/non-recoverable error|Failed to send batch|unexpected content/i);
    },
    120_000,
  );
});

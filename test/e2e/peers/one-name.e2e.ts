/** A metric has one name, unit, type and label set in every output, and all counts equal those of the clients. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { vitrine, load } from '../../support/docs/command-line.ts';
import { familiesOf, sumOf, type Family } from '../../support/telemetry/exposition-text.ts';
import { startCollector, startPrometheus, type Collector } from '../../support/programs/observability-programs.ts';
import { missingPrograms, programPath } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePort, json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

const ROAD_LIMIT_MS = 20_000;
/** The semantic conventions end these gauges in `.count`, which the linter would keep for histograms. */
const CONVENTION_COUNTS =
  /^(process_thread_count|process_unix_file_descriptor_count|system_cpu_logical_count|db_client_connection_count) non-histogram and non-summary metrics should not have "_count" suffix$/;
const COUNT = 'http_server_request_duration_seconds_count';

const missing = missingPrograms('the sample stack in three outputs', 'otelcol', 'prometheus', 'promtool');
describe.skipIf(missing.length > 0)('the sample stack in three outputs', () => {
  let collector: Collector;
  let it: Vitrine;
  let scrape = '';
  let requests = 0;
  beforeAll(async () => {
    collector = await startCollector();
    const port = await freePort();
    scrape = `http://127.0.0.1:${port}/metrics`;
    it = await startVitrine({
      env: {
        OTEL_METRICS_EXPORTER: 'otlp,prometheus',
        OTEL_EXPORTER_PROMETHEUS_PORT: String(port),
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpHttp,
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
      },
    });
    await until(
      async () => (await json<{ status: string }>(`${it.balancer}/health`)).status === 'healthy' || undefined,
      15_000,
      () => 'the services are not up',
    );
    const result = await load({ url: it.balancer, users: 4, duration: 5 });
    expect(result.totals.failed).toBe(0);
    requests = result.totals.requests;
  });
  afterAll(async () => {
    await it?.[Symbol.asyncDispose]();
    await collector?.[Symbol.asyncDispose]();
  });

  const page = async (url: string): Promise<string> => {
    const response = await fetch(url);
    expect(response.status).toBe(200);
    return response.text();
  };
  const own = (text: string): Map<string, Family> =>
    familiesOf(text, {
      keep: (labels) => (labels.get('job') ?? 'vitrine-balancer') === 'vitrine-balancer',
      // A page that is scraped has the identity in target_info, the other roads in labels of every series.
      without: ['job', 'instance', 'service_name', 'service_instance_id'],
    });
  const roads = async (): Promise<Record<'page' | 'exporter' | 'collector', Map<string, Family>>> => ({
    page: own(await page(`${it.monitor}/metrics`)),
    exporter: own(await page(scrape)),
    collector: own(await page(`http://${collector.prometheus}/metrics`)),
  });

  test('name, type, help and labels of every series are the same', async () => {
    let difference: string[] = [];
    await until(
      async () => {
        const { page: ours, ...others } = await roads();
        difference = Object.entries(others).flatMap(([road, theirs]) => differences(ours, theirs, road));
        return difference.length === 0 || undefined;
      },
      ROAD_LIMIT_MS,
      () => `${difference.length} differences from :4000/metrics\n${difference.slice(0, 40).join('\n')}`,
    );
    const { page: ours } = await roads();
    console.log(`${ours.size} metrics agree on three roads`);
    expect(ours.size).toBeGreaterThan(25);
  });

  test('every output counts the requests that the clients sent, and no health checks', async () => {
    await until(
      async () => Object.values(await roads()).every((road) => sumOf(road, COUNT) === requests) || undefined,
      ROAD_LIMIT_MS,
      () => `not every road comes to ${requests}`,
    );
    const counted = Object.values(await roads()).map((road) => sumOf(road, COUNT));
    console.log(`clients ${requests}, roads ${counted.join(', ')}`);
    expect(counted).toEqual([requests, requests, requests]);
  });

  test('the services answered the requests that the cache did not answer, plus retries', async () => {
    const ask = async (expr: string): Promise<number> => {
      const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
        `${it.monitor}/api/v1/query?query=${encodeURIComponent(expr)}`,
      );
      return Number(data.result[0]?.value[1] ?? 0);
    };
    let facts = '';
    await until(
      async () => {
        const [balancer, services, hits, retries, sent] = await Promise.all([
          ask(`sum(${COUNT}{job="vitrine-balancer"})`),
          ask(`sum(${COUNT}{job="payments"})`),
          ask('sum(vitrine_cache_lookups_total{job="vitrine-balancer",vitrine_cache_result=~"hit|stale"})'),
          ask('sum(vitrine_balancer_retries_total)'),
          ask('sum(vitrine_balancer_upstream_requests_total)'),
        ]);
        facts = `balancer ${balancer}, services ${services}, hits ${hits}, retries ${retries}, sent ${sent}`;
        return (
          (balancer === requests && services === balancer - hits + retries && sent === services && hits > 0) ||
          undefined
        );
      },
      ROAD_LIMIT_MS,
      () => `clients ${requests}: ${facts}`,
    );
    console.log(`clients ${requests}: ${facts}`);
    const cli = await vitrine(['query', `sum(${COUNT}{job="vitrine-balancer"})`, '--url', it.monitor]);
    expect(cli.stdout).toContain(String(requests));
  });

  test('promtool finds nothing wrong with either page', async () => {
    for (const url of [`${it.monitor}/metrics`, scrape]) {
      const checked = spawnSync(programPath('promtool') as string, ['check', 'metrics'], {
        input: await page(url),
        encoding: 'utf8',
      });
      const remarks = `${checked.stdout}${checked.stderr}`
        .trim()
        .split('\n')
        .filter((line) => line !== '');
      expect(remarks.filter((line) => !CONVENTION_COUNTS.test(line))).toEqual([]);
    }
  });

  test('Prometheus stores the same from all three', async () => {
    await using prometheus = await startPrometheus({
      config: scrapeConfig({
        page: `${it.monitor}/metrics`,
        exporter: scrape,
        collector: `http://${collector.prometheus}/metrics`,
      }),
    });
    const query = async (expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
      const { data } = await json<{ data: { result: [] } }>(
        `${prometheus.url}/api/v1/query?query=${encodeURIComponent(expr)}`,
      );
      return data.result;
    };
    const found = await until(
      async () => {
        const counts = await query(`sum by (road) (${COUNT}{job=~"vitrine-balancer|exporter"})`);
        return counts.length === 3 ? counts : undefined;
      },
      ROAD_LIMIT_MS,
      () => 'Prometheus has not scraped all three',
    );
    expect(found.map(({ value }) => Number(value[1]))).toEqual([requests, requests, requests]);
    const { data } = await json<{ data: Record<string, { type: string; help: string }[]> }>(
      `${prometheus.url}/api/v1/metadata`,
    );
    const several = Object.entries(data).filter(
      ([name, kinds]) => kinds.length > 1 && !name.startsWith('scrape_') && name !== 'target_info',
    );
    expect(several).toEqual([]);
  });
});

/** prometheus.yml that scrapes the pages (name → URL) each second, their own `job` and `instance` kept. JSON is YAML. */
function scrapeConfig(pages: Readonly<Record<string, string>>): string {
  const jobs = Object.entries(pages).map(([name, url]) => {
    const { host, pathname } = new URL(url);
    return {
      job_name: name,
      honor_labels: true,
      metrics_path: pathname,
      static_configs: [{ targets: [host], labels: { road: name } }],
    };
  });
  return JSON.stringify({ global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs });
}

/** One message for each difference of `theirs` from `ours`. */
function differences(ours: Map<string, Family>, theirs: Map<string, Family>, road: string): string[] {
  const found: string[] = [];
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [here, there] = [ours.get(name), theirs.get(name)];
    if (here === undefined || there === undefined) {
      found.push(`${road}: ${name} is only ${here === undefined ? 'there' : 'on our page'}`);
      continue;
    }
    if (here.type !== there.type) found.push(`${road}: ${name} is a ${there.type}, not a ${here.type}`);
    if (name !== 'target_info' && here.help !== there.help)
      found.push(`${road}: help of ${name} is "${there.help}", not "${here.help}"`);
    for (const key of there.samples.keys()) if (!here.samples.has(key)) found.push(`${road}: only there ${key}`);
    for (const key of here.samples.keys()) if (!there.samples.has(key)) found.push(`${road}: not there ${key}`);
  }
  return found;
}

/** Every file that docker-compose.yml mounts, in the program that it is for: run natively where that program is installed. */
import { createServer } from 'node:http';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { composeFile } from '../../support/programs/compose.ts';
import { MOUNTED } from '../../support/programs/mounted-files.ts';
import { missingPrograms, programPath, runToEnd, startProgram } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePort, json, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const { services } = composeFile.parse(parse(read('docker-compose.yml'), { merge: true }));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-mounts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const prometheus = programPath('prometheus3', 'prometheus');
const promtool = programPath('promtool');
const alertmanager = programPath('alertmanager', 'prometheus-alertmanager');
const collector = programPath('otelcol');
missingPrograms(
  'what is mounted',
  ['prometheus3', 'prometheus'],
  'promtool',
  ['alertmanager', 'prometheus-alertmanager'],
  'otelcol',
);

/** Everything is mounted somewhere in this file. */
const proven = new Set<string>();
const mountedAt = (target: string): string => {
  const mount = Object.values(services)
    .flatMap((each) => each.volumes ?? [])
    .find((each) => each.split(':')[1] === target);
  if (mount === undefined) throw new Error(`nothing is mounted at ${target}`);
  proven.add(mount.split(':')[0]);
  return path.join(REPOSITORY, mount.split(':')[0]);
};

describe.skipIf(prometheus === undefined || promtool === undefined || alertmanager === undefined)(
  'Prometheus and Alertmanager',
  () => {
    it('run from the mounted files: rules loaded, the Collector scraped, alerts delivered to the mounted route', async () => {
      const [port, alertPort] = await Promise.all([freePort(), freePort()]);
      const scraped = createServer((_request, response) =>
        response
          .setHeader('content-type', 'text/plain; version=0.0.4')
          .end('# TYPE up_there gauge\nup_there{job="shop",instance="a:1"} 1\n'),
      );
      await new Promise<void>((resolve) => scraped.listen(0, '127.0.0.1', resolve));
      const at = scraped.address();
      const scrapePort = typeof at === 'object' && at !== null ? at.port : 0;
      cpSync(mountedAt('/etc/prometheus/rules'), path.join(folder, 'rules'), { recursive: true });
      writeFileSync(
        path.join(folder, 'rules/always.yaml'),
        JSON.stringify({ groups: [{ name: 'always', rules: [{ alert: 'Always', expr: 'vector(1)' }] }] }),
      );
      const config = path.join(folder, 'prometheus.yml');
      writeFileSync(
        config,
        readFileSync(mountedAt('/etc/prometheus/prometheus.yml'), 'utf8')
          .replace('/etc/prometheus/rules/', `${folder}/rules/`)
          .replace('alertmanager:9093', `127.0.0.1:${alertPort}`)
          .replace('collector:8889', `127.0.0.1:${scrapePort}`)
          .replaceAll(/interval: \d+s/g, 'interval: 1s'),
      );
      const flags = (services['prometheus'].command ?? []).map((flag) =>
        flag.replace('/etc/prometheus/prometheus.yml', config),
      );
      await using one = startProgram(
        prometheus ?? '',
        [...flags, `--storage.tsdb.path=${folder}/tsdb`, `--web.listen-address=127.0.0.1:${port}`],
        { cwd: folder },
      );
      const alertFlags = (services['alertmanager'].command ?? []).map((flag) =>
        flag
          .replace('/etc/alertmanager/alertmanager.yml', mountedAt('/etc/alertmanager/alertmanager.yml'))
          .replace('=/alertmanager', `=${folder}/alerts`),
      );
      await using two = startProgram(
        alertmanager ?? '',
        [...alertFlags, `--web.listen-address=127.0.0.1:${alertPort}`, '--cluster.listen-address='],
        { cwd: folder },
      );
      const query = (text: string): Promise<{ data: { result: unknown[] } }> =>
        json(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(text)}`);
      // honor_labels: the job that the service gave itself, not that of the scrape.
      await until(
        async () => (await query('up_there{job="shop",instance="a:1"}')).data.result.length === 1 || undefined,
        30_000,
        one.output,
      );
      const rules = await json<{ data: { groups: { file: string; rules: { health: string }[] }[] } }>(
        `http://127.0.0.1:${port}/api/v1/rules`,
      );
      const files = new Set(rules.data.groups.map((group) => path.basename(group.file)));
      for (const file of readdirSync(path.join(REPOSITORY, 'rules'))) expect(files).toContain(file);
      await until(
        async () =>
          (await json<{ labels: { alertname: string } }[]>(`http://127.0.0.1:${alertPort}/api/v2/alerts`)).some(
            ({ labels }) => labels.alertname === 'Always',
          ) || undefined,
        30_000,
        two.output,
      );
      scraped.close();
    });

    it('a broken file is found', async () => {
      const broken = path.join(folder, 'broken.yml');
      writeFileSync(broken, read('deploy/prometheus/prometheus.yml').replace('scrape_configs', 'scrape_config'));
      expect(
        (await runToEnd(promtool ?? '', ['check', 'config', '--syntax-only', broken], { cwd: folder })).code,
      ).not.toBe(0);
      writeFileSync(broken, read('deploy/alertmanager/alertmanager.yml').replace('receiver: page', 'receiver: nobody'));
      const program = startProgram(
        alertmanager ?? '',
        [
          `--config.file=${broken}`,
          `--storage.path=${folder}/broken`,
          '--web.listen-address=127.0.0.1:0',
          '--cluster.listen-address=',
        ],
        { cwd: folder },
      );
      expect(await program.exited).not.toBe(0);
      expect(program.output()).toContain('nobody');
    });
  },
);

describe.skipIf(collector === undefined)('the Collector', () => {
  const environment = services['collector'].environment ?? {};
  const validate = async (file: string): Promise<{ code: number; stderr: string }> =>
    runToEnd(collector ?? '', ['validate', '--config', file], {
      cwd: folder,
      env: Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, String(value)])),
    });

  it('takes the mounted file with the environment of the compose file', async () => {
    expect(await validate(mountedAt('/etc/otelcol/config.yaml'))).toMatchObject({ code: 0 });
  });

  it('a broken file is found', async () => {
    const broken = path.join(folder, 'collector.yaml');
    writeFileSync(
      broken,
      read('otel-collector/config.yaml').replace('exporters: [prometheus]', 'exporters: [prometeus]'),
    );
    expect((await validate(broken)).stderr).toContain('prometeus');
  });
});

/** What Grafana's documentation names for provisioning files ("Provision Grafana"); Grafana itself is not run. */
const provisioning = {
  datasources: z.strictObject({
    apiVersion: z.literal(1),
    datasources: z.array(
      z.strictObject({
        name: z.string(),
        uid: z.string(),
        type: z.enum(['prometheus', 'jaeger']),
        access: z.literal('proxy'),
        url: z.url(),
        isDefault: z.boolean().optional(),
        jsonData: z.record(z.string(), z.string()).optional(),
        secureJsonData: z.record(z.string(), z.string()).optional(),
      }),
    ),
  }),
  dashboards: z.strictObject({
    apiVersion: z.literal(1),
    providers: z.array(
      z.strictObject({
        name: z.string(),
        folder: z.string(),
        type: z.literal('file'),
        disableDeletion: z.boolean(),
        options: z.strictObject({ path: z.string() }),
      }),
    ),
  }),
};

describe('Grafana', () => {
  it('finds its data sources among the services and the dashboards where they are mounted', () => {
    const root = mountedAt('/etc/grafana/provisioning');
    const sources = provisioning.datasources.parse(
      parse(readFileSync(path.join(root, 'datasources/vitrine.yaml'), 'utf8')),
    ).datasources;
    for (const { url } of sources) expect(Object.keys(services)).toContain(new URL(url).hostname);
    const { providers } = provisioning.dashboards.parse(
      parse(readFileSync(path.join(root, 'dashboards/vitrine.yaml'), 'utf8')),
    );
    const dashboards = mountedAt(providers[0].options.path);
    expect(existsSync(dashboards)).toBe(true);
    const uids = sources.map(({ uid }) => uid);
    for (const file of readdirSync(dashboards)) {
      const dashboard = JSON.parse(readFileSync(path.join(dashboards, file), 'utf8')) as {
        title: string;
        panels: unknown[];
      };
      expect(dashboard.title, file).toBeTruthy();
      expect(dashboard.panels.length, file).toBeGreaterThan(0);
      for (const [, uid] of JSON.stringify(dashboard).matchAll(/"datasource":\{[^}]*"uid":"([^"$-][^"]*)"/g))
        expect(uids, file).toContain(uid);
    }
  });

  it('a broken file is found', () => {
    const text = read('deploy/grafana/provisioning/datasources/vitrine.yaml');
    expect(provisioning.datasources.safeParse(parse(text.replace('access: proxy', 'acces: proxy'))).success).toBe(
      false,
    );
  });
});

it('nothing that is mounted was left out', () => {
  if (prometheus !== undefined && alertmanager !== undefined && collector !== undefined)
    expect([...proven].sort()).toEqual([...MOUNTED].sort());
});

/** examples/existing-prometheus: Vitrine's API over the history of servers that were there before it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, programPath, startProgram, type Program } from '../../support/program.ts';
import { tableCommands } from '../../support/docs/readme-commands.ts';
import { until } from '../../support/until.ts';
import { freePort, json, REPOSITORY, startVitrine } from '../../support/programs/vitrine-process.ts';

const SERVERS = [
  {
    name: 'Prometheus',
    programs: ['prometheus3', 'prometheus'],
    metric: 'prometheus_build_info',
    args: (port: number, dir: string) => [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
  },
  {
    name: 'VictoriaMetrics',
    programs: ['victoriametrics', 'victoria-metrics'],
    metric: 'vm_app_version',
    args: (port: number, dir: string) => [
      `-storageDataPath=${dir}/data`,
      `-httpListenAddr=127.0.0.1:${port}`,
      '-selfScrapeInterval=1s',
      '-search.latencyOffset=0s',
    ],
  },
];
const command = tableCommands(readFileSync(path.join(REPOSITORY, 'examples/README.md'), 'utf8')).get(
  'an existing Prometheus or VictoriaMetrics',
);
const start = command?.words.slice(command.words.indexOf('start')) ?? [];
const config = path.join(REPOSITORY, start[start.indexOf('--config') + 1]);

type Answer = { status: string; data?: { result: unknown[] }; error?: string };
const monitorOver = async (url: string): ReturnType<typeof startVitrine> => {
  const vitrine = await startVitrine({
    command: start.map((word) => (word.endsWith('.yaml') ? config : word)),
    env: { PROMETHEUS_URL: url },
    ready: false,
  });
  await until(
    async () => (await fetch(`${vitrine.monitor}/livez`)).ok || undefined,
    30_000,
    () => vitrine.output(),
  );
  return vitrine;
};

for (const server of SERVERS) {
  const missing = missingPrograms(`the example over ${server.name}`, server.programs);
  describe.skipIf(missing.length > 0)(`over ${server.name}`, () => {
    let program: Program;
    let folder: string;
    let url: string;
    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'vitrine-existing-'));
      const port = await freePort();
      url = `http://127.0.0.1:${port}`;
      writeFileSync(
        path.join(folder, 'prometheus.yml'),
        JSON.stringify({
          global: { scrape_interval: '1s' },
          scrape_configs: [{ job_name: 'self', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
        }),
      );
      program = startProgram(programPath(...server.programs) ?? '', server.args(port, folder), { cwd: folder });
      await until(
        async () =>
          ((await json<Answer>(`${url}/api/v1/query?query=${server.metric}`)).data?.result.length ?? 0) > 0 ||
          undefined,
        60_000,
        program.output,
      );
    }, 70_000);
    afterAll(async () => {
      await program?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('queries, ranges and label values come from there', async () => {
      await using vitrine = await monitorOver(url);
      const ask = (target: string): Promise<Answer> => json<Answer>(`${vitrine.monitor}/api/v1/${target}`);
      expect((await ask(`query?query=${server.metric}`)).data?.result).toHaveLength(1);
      const end = Math.floor(Date.now() / 1000);
      const range = await ask(`query_range?query=count(${server.metric})&start=${end - 60}&end=${end}&step=5`);
      expect(range.data?.result).toHaveLength(1);
      const names = await json<{ data: string[] }>(`${vitrine.monitor}/api/v1/label/__name__/values`);
      expect(names.data).toContain(server.metric);
    });
  });
}

it('a server that is not there is an error, never an empty answer', async () => {
  await using vitrine = await monitorOver(`http://127.0.0.1:${await freePort()}`);
  const response = await fetch(`${vitrine.monitor}/api/v1/query?query=up`);
  expect(response.ok).toBe(false);
  expect((await response.json()) as Answer).toMatchObject({ status: 'error' });
});

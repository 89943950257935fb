/**
 * The Ansible role with a service manager: a good release answers, and a release that does not answer is rolled back. The manager is
 * a replacement (test/support/programs/systemctl.py) that really runs the unit's commands, as systemd cannot run in a test.
 */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  done,
  openAnsibleSpace,
  whyNoAnsible,
  type AnsibleSpace,
  type Outcome,
} from '../../support/programs/ansible-space.ts';
import { packVitrine, repackAs } from '../../support/programs/packed.ts';
import { until } from '../../support/until.ts';
import { json, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const reason = whyNoAnsible('the service of the Ansible role');

let space: AnsibleSpace;
let releases: Record<'first' | 'second' | 'ends' | 'hangs', string>;

/** For what never comes up. */
const SOON = { vitrine_health_retries: 3 };

/** A release of which only `start` is broken: it says its version and agrees with the configuration. */
const broken = (statement: string) => (folder: string) => {
  const file = path.join(folder, 'dist/main.js');
  const [shebang, ...rest] = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, [shebang, `if (process.argv[2] === 'start') { ${statement} }`, ...rest].join('\n'));
};

const play = (variables: Record<string, unknown>, playbook?: string): Promise<Outcome> =>
  space.play(
    { vitrine_manage_service: true, vitrine_health_url: `${space.monitor}/livez`, ...variables },
    playbook === undefined ? {} : { playbook },
  );
const current = (): Promise<string> => space.look('readlink', '/opt/vitrine/current');
const processOf = async (): Promise<string> =>
  /MainPID=(\d+)/.exec(await space.look('/usr/bin/systemctl', 'show', 'vitrine'))?.[1] ?? '0';
const journal = (): string => readFileSync(path.join(space.folder, 'units/vitrine.service/journal'), 'utf8');
/** The version that the service which runs now said at its start. */
const runs = async (): Promise<string> => {
  expect(await processOf()).not.toBe('0');
  return [...journal().matchAll(/vitrine (\d+\.\d+\.\d+)/g)].at(-1)?.[1] ?? '';
};
const healthy = async (): Promise<void> => {
  const token = await space.look('cat', '/etc/vitrine/token');
  await until(
    async () =>
      (await json<{ status: string }>(`${space.monitor}/health`, { headers: { authorization: `Bearer ${token}` } }))
        .status === 'healthy' || undefined,
    40_000,
    journal,
  );
};

describe.skipIf(reason !== undefined)('the Ansible role with a service manager', () => {
  beforeAll(async () => {
    space = await openAnsibleSpace();
    const first = await packVitrine(space.folder);
    releases = {
      first,
      second: await repackAs(first, '0.9.0'),
      ends: await repackAs(first, '0.9.1', broken("console.error('this release cannot start'); process.exit(1);")),
      hangs: await repackAs(first, '0.9.2', broken('await new Promise(() => setInterval(() => {}, 1000));')),
    };
  }, 200_000);
  afterAll(async () => space?.[Symbol.asyncDispose]());

  it('says so when the first release of all does not come up', async () => {
    const { failures, stdout } = await play({ vitrine_package: releases.ends, ...SOON });
    expect(failures).toBe(1);
    expect(stdout).toContain('no release was there before it');
    expect(journal()).toContain('this release cannot start');
  }, 200_000);

  it('installs, enables and starts a release that answers', async () => {
    done(await play({ vitrine_package: releases.first }));
    expect(await space.look('/usr/bin/systemctl', 'is-enabled', 'vitrine')).toBe('enabled');
    await healthy();
    expect(await runs()).toBe('0.1.0');
  }, 240_000);

  it('leaves it alone when nothing changed, and reloads it when the configuration did', async () => {
    const before = await processOf();
    expect(done(await play({ vitrine_package: releases.first })).changed).toBe(0);
    expect(await processOf()).toBe(before);
    const next = { ...space.configuration(), alerts: [{ name: 'Slow', metric: 'response_time_avg', above: '9s' }] };
    done(await play({ vitrine_package: releases.first, vitrine_config: next }));
    expect(await processOf()).toBe(before);
    const token = await space.look('cat', '/etc/vitrine/token');
    await until(
      async () =>
        JSON.stringify(
          await json(`${space.monitor}/api/v1/rules`, { headers: { authorization: `Bearer ${token}` } }),
        ).includes('"Slow"') || undefined,
      30_000,
      journal,
    );
  }, 240_000);

  it.each([
    ['ends at once', 'ends'],
    ['never listens', 'hangs'],
  ] as const)(
    'switches back from a release that %s, with its configuration',
    async (_name, release) => {
      const next = { ...space.configuration(), telemetry: { log_level: 'warn' } };
      const { failures, stdout } = await play({
        vitrine_package: releases[release],
        vitrine_config: next,
        vitrine_health_retries: 10,
      });
      expect(failures).toBe(1);
      expect(stdout).toMatch(/did not come up; \/opt\/vitrine\/releases\/0\.1\.0\/\S+ runs again/);
      expect(await current()).toContain('/0.1.0/');
      expect(await space.look('cat', '/etc/vitrine/vitrine.yaml')).not.toContain('log_level: warn');
      await healthy();
      expect(await runs()).toBe('0.1.0');
    },
    240_000,
  );

  it('upgrades and rolls back what runs', async () => {
    const before = await processOf();
    done(await play({ vitrine_package: releases.second }));
    await healthy();
    expect(await runs()).toBe('0.9.0');
    expect(await processOf()).not.toBe(before);
    done(await play({ vitrine_action: 'rollback' }));
    await healthy();
    expect(await runs()).toBe('0.1.0');
    expect(await current()).toContain('/0.1.0/');
  }, 240_000);

  it('a role that does not wait for the answer is found out', async () => {
    const copy = mkdtempSync(path.join(space.folder, 'role-'));
    cpSync(path.join(REPOSITORY, 'deploy'), copy, { recursive: true });
    const target = path.join(copy, 'ansible/roles/vitrine/tasks/running.yml');
    const text = readFileSync(target, 'utf8');
    const blind = text.slice(0, text.indexOf('- name: It answers'));
    expect(blind.length).toBeLessThan(text.length);
    writeFileSync(target, blind);
    const handlers = path.join(copy, 'ansible/roles/vitrine/handlers/main.yml');
    writeFileSync(handlers, readFileSync(handlers, 'utf8').replace('{{ vitrine_health_url }}', 'file:///dev/null'));
    await play({ vitrine_package: releases.ends }, path.join(copy, 'ansible/playbook.yml'));
    expect(await current(), 'the broken release stays').toContain('/0.9.1/');
    expect(await processOf()).toBe('0');
  }, 240_000);
});

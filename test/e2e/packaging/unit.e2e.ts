/** The systemd unit: judged by systemd-analyze, and its command lines run as they stand. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, programPath, runToEnd, startProgram } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { freePorts, json, portsConfiguration, REPOSITORY } from '../../support/programs/vitrine-process.ts';

const UNIT = readFileSync(path.join(REPOSITORY, 'deploy/systemd/vitrine.service'), 'utf8');
/** Tenths of systemd's exposure level, 0 safe to 100 unsafe. */
const MOST_EXPOSED = 15;
const analyze = programPath('systemd-analyze');
missingPrograms('judging the unit', 'systemd-analyze');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-unit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const valueOf = (key: string): string => [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].at(-1)?.[1] ?? '';

describe.skipIf(analyze === undefined)('systemd-analyze', () => {
  /** What verify and security say of a unit; empty when they agree with it. */
  async function faultsOf(unit: string): Promise<string> {
    const file = path.join(folder, 'vitrine.service');
    // What is judged is the unit, not whether this machine has Node.js 24 and a release in their places.
    writeFileSync(
      file,
      unit
        .replace('/usr/bin/node /opt/vitrine/current/', `${process.execPath} ${REPOSITORY}/`)
        .replace(/^Documentation=.*\n/m, ''),
    );
    const verified = await runToEnd(analyze ?? '', ['verify', file], { cwd: folder });
    const secured = await runToEnd(
      analyze ?? '',
      ['security', '--offline=true', `--threshold=${MOST_EXPOSED}`, '--no-pager', file],
      { cwd: folder },
    );
    const said = verified.stderr.split('\n').filter((line) => line.includes('vitrine.service'));
    return [...said, ...(secured.code === 0 ? [] : [`exposed: ${secured.stdout.trim().split('\n').at(-1)}`])].join(
      '\n',
    );
  }

  it('agrees with the unit', async () => expect(await faultsOf(UNIT)).toBe(''));

  it.each([
    ['a misspelt key', (all: string) => all.replace('NoNewPrivileges', 'NoNewPrivilege'), 'NoNewPrivilege'],
    ['a section that is not there', (all: string) => all.replace('[Service]', '[Services]'), 'Services'],
    ['a relative command', (all: string) => all.replace('ExecReload=/bin/kill', 'ExecReload=./kill'), 'absolute'],
    [
      'a lost lock',
      (all: string) => all.replace(/^(SystemCallFilter|ProtectSystem|PrivateDevices|RestrictNamespaces)=.*\n/gm, ''),
      'exposed',
    ],
    [
      'all capabilities',
      (all: string) => all.replace('CapabilityBoundingSet=\n', '').replace('PrivateUsers=yes\n', ''),
      'exposed',
    ],
  ])('%s is found', async (_name, breakIt, fault) => {
    expect(breakIt(UNIT)).not.toBe(UNIT);
    expect(await faultsOf(breakIt(UNIT))).toContain(fault);
  });
});

it.skipIf(!existsSync(path.join(REPOSITORY, 'dist/main.js')))(
  'its commands start, reload and end Vitrine',
  async () => {
    const ports = await freePorts();
    const credentials = path.join(folder, 'credentials');
    mkdirSync(credentials);
    writeFileSync(path.join(credentials, 'token'), 'a-token-of-the-test\n', { mode: 0o600 });
    const config = path.join(folder, 'vitrine.yaml');
    const configuration = {
      ...portsConfiguration(ports),
      auth: { token_file: '${CREDENTIALS_DIRECTORY}/token' },
    };
    writeFileSync(config, JSON.stringify(configuration));
    const places: Record<string, string> = {
      '/usr/bin/node': process.execPath,
      '/opt/vitrine/current': REPOSITORY,
      '/etc/vitrine/vitrine.yaml': config,
      '/var/lib/vitrine': path.join(folder, 'state'),
    };
    const here = (word: string): string =>
      Object.entries(places).reduce((text, [from, to]) => text.replace(from, to), word);
    const [file, ...args] = valueOf('ExecStart').split(' ').map(here);
    await using program = startProgram(file, args, {
      cwd: folder,
      env: { CREDENTIALS_DIRECTORY: credentials, NODE_ENV: 'production' },
    });
    const monitor = `http://127.0.0.1:${ports.monitor}`;
    const headers = { authorization: 'Bearer a-token-of-the-test' };
    await until(
      async () => (await json<{ status: string }>(`${monitor}/health`, { headers })).status === 'healthy' || undefined,
      40_000,
      program.output,
    );
    expect((await fetch(`${monitor}/api/services`)).status).toBe(401);

    writeFileSync(config, JSON.stringify({ ...configuration, telemetry: { log_level: 'nonsense' } }));
    const [reload, ...words] = valueOf('ExecReload').split(' ');
    const reloaded = await runToEnd(
      reload,
      words.map((word) => word.replace('$MAINPID', String(program.child.pid))),
      { cwd: folder },
    );
    expect(reloaded.code).toBe(0);
    await until(() => /log_level|last good/.test(program.output()) || undefined, 20_000, program.output);
    expect((await fetch(`${monitor}/health`, { headers })).status).toBe(200);

    // KillMode=mixed: the main process alone is asked to end.
    program.child.kill('SIGTERM');
    expect(await program.exited).toBe(0);
  },
);

/**
 * A mount namespace in which the Ansible role is played on real paths (/opt/vitrine, /etc/vitrine, /etc/systemd/system, /var/lib),
 * nothing of which this machine sees. `systemctl` in it is test/support/programs/systemctl.py, which really runs what the unit names.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runToEnd, runWell, startProgram, type Finished } from '../program.ts';
import { until } from '../until.ts';
import { freePorts, portsConfiguration, REPOSITORY } from './vitrine-process.ts';

const PLAYBOOK = path.join(REPOSITORY, 'deploy/ansible/playbook.yml');

/** Why the role cannot be played here, or undefined; said once for the suite that is skipped then. */
export function whyNoAnsible(suite: string): string | undefined {
  const files = ['/usr/bin/ansible-playbook', '/usr/bin/nsenter', '/usr/bin/unshare', '/usr/bin/systemctl'];
  const missing = files.filter((file) => !existsSync(file));
  const reason =
    process.getuid?.() !== 0
      ? 'it needs root'
      : missing.length > 0
        ? `${missing.join(', ')} is not installed`
        : undefined;
  if (reason !== undefined) console.log(`skipped: ${suite}: ${reason}`);
  return reason;
}

const SETUP = `set -e
mount --bind "$SPACE/opt" /opt
mount --bind "$SPACE/systemctl" /usr/bin/systemctl
mount -t tmpfs tmpfs "$SPACE/layers"
for name in etc var-lib; do mkdir -p "$SPACE/layers/$name/upper" "$SPACE/layers/$name/work"; done
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$SPACE/layers/etc/upper,workdir=$SPACE/layers/etc/work" /etc
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$SPACE/layers/var-lib/upper,workdir=$SPACE/layers/var-lib/work" /var/lib
echo ready; exec sleep infinity`;

export interface Outcome extends Finished {
  readonly changed: number;
  readonly failures: number;
}

export interface AnsibleSpace extends AsyncDisposable {
  readonly folder: string;
  readonly monitor: string;
  /** The configuration that the plays write unless told otherwise. */
  readonly configuration: () => Record<string, unknown>;
  /** A command in the namespace, as file and arguments for this machine. */
  readonly inside: (file: string, ...args: string[]) => [string, string[]];
  /** Runs it, must succeed, and gives what it wrote. */
  readonly look: (file: string, ...args: string[]) => Promise<string>;
  readonly play: (
    variables: Record<string, unknown>,
    options?: { flags?: string[]; playbook?: string },
  ) => Promise<Outcome>;
}

/** Throws with what a play said when it failed. */
export function done(outcome: Outcome): Outcome {
  if (outcome.code !== 0) throw new Error(outcome.stdout.slice(-6000) + outcome.stderr);
  return outcome;
}

export async function openAnsibleSpace(): Promise<AnsibleSpace> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vitrine-ansible-'));
  for (const name of ['opt', 'layers', 'units']) mkdirSync(path.join(folder, name));
  const shim = path.join(REPOSITORY, 'test/support/programs/systemctl.py');
  writeFileSync(path.join(folder, 'systemctl'), `#!/bin/sh\nexec python3 ${shim} ${folder}/units "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(
    path.join(folder, 'hosts'),
    '[vitrine]\nlocalhost ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n',
  );
  const ports = await freePorts();
  const space = startProgram('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', SETUP], {
    cwd: folder,
    env: { SPACE: folder },
  });
  await until(() => space.output().includes('ready') || undefined, 10_000, space.output);
  const inside = (file: string, ...args: string[]): [string, string[]] => [
    'nsenter',
    ['--target', String(space.child.pid), '--mount', `--wd=${folder}`, '--', file, ...args],
  ];
  const look = async (file: string, ...args: string[]): Promise<string> =>
    (await runWell(...inside(file, ...args), { cwd: folder })).trim();
  const configuration = (): Record<string, unknown> => ({
    ...portsConfiguration(ports),
    auth: { token_file: '${CREDENTIALS_DIRECTORY:-/etc/vitrine}/token' },
  });
  const play: AnsibleSpace['play'] = async (variables, options = {}) => {
    const all = {
      vitrine_become: false,
      vitrine_node: process.execPath,
      vitrine_config: configuration(),
      ...variables,
    };
    const file = path.join(folder, 'variables.json');
    writeFileSync(file, JSON.stringify(all));
    const words = ['-i', path.join(folder, 'hosts'), '-e', `@${file}`, ...(options.flags ?? [])];
    const finished = await runToEnd(...inside('/usr/bin/ansible-playbook', ...words, options.playbook ?? PLAYBOOK), {
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
    });
    const text = finished.stdout.slice(finished.stdout.indexOf('{'));
    const { stats } = JSON.parse(text === '' ? '{"stats":{}}' : text) as {
      stats: Record<string, { changed: number; failures: number }>;
    };
    return { ...finished, changed: stats['localhost']?.changed ?? -1, failures: stats['localhost']?.failures ?? -1 };
  };
  return {
    folder,
    monitor: `http://127.0.0.1:${ports.monitor}`,
    configuration,
    inside,
    look,
    play,
    async [Symbol.asyncDispose]() {
      await runToEnd(...inside('/usr/bin/systemctl', 'stop', 'vitrine'), { cwd: folder });
      await space.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

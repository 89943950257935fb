/** `vitrine start`: reads the settings, runs one role, prints a banner, and drains at the end. A second signal ends at once. */
import { ConfigReloader } from '../config/reload.ts';
import { parseAddress } from '../config/types.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { startMonitorRole, type RoleOptions, type Running } from '../app/roles.ts';
import { configFile, readSettings, settingsFrom, type SettingsSources } from '../app/process/settings.ts';
import type { Settings } from '../app/process/settings-schema.ts';
import { readConfigFile } from '../config/config-file.ts';
import { version } from '../app/process/version.ts';
import { hearEndSignals } from './end-signals.ts';
import { paint, tell } from './output.ts';

/** The reply to SIGUSR2, which would end a process that does not listen for it. */
const NOT_REPLACEABLE =
  'SIGUSR2 replaces the program only in `vitrine start --role balancer`. This process goes on as it is; restart it to change its program.';

type Flags = Readonly<Record<string, unknown>>;

const LISTEN_KEY: Readonly<Record<string, string>> = {
  all: 'balancer.listen',
  balancer: 'balancer.listen',
  monitor: 'monitor.listen',
};
// Imported only by the role that needs it.
const ROLES = {
  all: async (options: RoleOptions): Promise<Running> => (await import('../app/stack-roles.ts')).startAll(options),
  balancer: async (options: RoleOptions): Promise<Running> =>
    (await import('../app/stack-roles.ts')).startBalancerRole(options),
  monitor: startMonitorRole,
} as const;

/** Flags as settings: dotted key → value. */
export function settingsFlags(flags: Flags): Record<string, unknown> {
  const listen = flags['listen'] as string | undefined;
  if (listen !== undefined && parseAddress(listen) === undefined) {
    throw new VitrineError('usage', `--listen: "${listen}" is not an address.`, {
      hint: 'For example 127.0.0.1:8080 or 0.0.0.0:8080.',
    });
  }
  const interval = flags['interval'] as number | undefined;
  return {
    ...(listen === undefined ? {} : { [LISTEN_KEY[flags['role'] as string] ?? 'balancer.listen']: listen }),
    'telemetry.log_level':
      flags['debug'] === true
        ? 'debug'
        : flags['verbose'] === true
          ? 'info'
          : flags['logLevel'] === undefined
            ? undefined
            : (flags['logLevel'] as string).toLowerCase(),
    'telemetry.interval': interval === undefined ? undefined : `${interval}ms`,
    // The interval of checks as well: of those targets that have none of their own.
    'monitoring.interval': interval === undefined ? undefined : interval / 1_000,
    'store.path': flags['data'],
  };
}

/** The flags with which the monitor child reads the same settings. */
export function monitorFlags(flags: Flags, file: string | undefined): string[] {
  const given = settingsFlags({ ...flags, listen: undefined });
  const level = given['telemetry.log_level'];
  return [
    ...(file === undefined ? [] : ['--config', file]),
    ...(flags['data'] === undefined ? [] : ['--data', flags['data'] as string]),
    ...(level === undefined ? [] : ['--log-level', level as string]),
    ...(flags['interval'] === undefined ? [] : ['--interval', String((flags['interval'] as number) / 1_000)]),
  ];
}

export async function start(flags: Flags): Promise<number> {
  const role = (flags['role'] ?? 'all') as keyof typeof ROLES;
  const file = configFile(flags['config'] as string | undefined);
  const sources = { file, env: process.env, flags: settingsFlags(flags) };
  const forked = process.send !== undefined;
  const settings = readSettings(sources, (sentence) => {
    if (!forked) tell(`warning: ${sentence}`);
  });
  const options: RoleOptions = {
    settings,
    dataDir: settings.store.path,
    env: process.env,
    testMode: flags['testMode'] === true && role === 'monitor',
    monitorArgs: monitorFlags(flags, file),
  };
  const startedAt = systemClock.monotonic();
  const signals = hearEndSignals({
    parentSaysWhen: forked && role === 'monitor',
    limitMs: END_LIMIT_MS,
    say() {
      if (!forked) tell('Stopping: open requests are finished first (press again to stop at once).');
    },
  });
  const running = await ROLES[role](options);
  const lateMs = signals.started();
  if (!forked && !signals.wasAsked()) banner(running, systemClock.monotonic() - startedAt, file);
  const stopReloading = keepCurrent(running, sources, settings);
  const { replacement } = running;
  process.on('SIGUSR2', () => {
    if (replacement !== undefined) replacement.replace();
    else if (!forked) tell(NOT_REPLACEABLE);
  });
  const replaced = replacement?.ended ?? new Promise<never>(() => {});
  await Promise.race([signals.asked, running.orphaned, lasted(flags['duration'] as number | undefined), replaced]);
  // The process that serves now has the requests, so it ends first, and this process ends with its exit code.
  const code = replacement?.forward('SIGTERM') === true ? await replaced : undefined;
  stopReloading();
  const limitMs = Math.max(END_LIMIT_MS, settings.balancer.drain.limit + AFTER_DRAIN_MS);
  const ended = await end(running, Math.max(LEAST_END_MS, limitMs - lateMs));
  return ended || (code ?? 0);
}

/** SIGHUP and a saved file reload the configuration. */
function keepCurrent(running: Running, sources: SettingsSources, settings: Settings): () => void {
  const { file } = sources;
  if (file === undefined) return () => {};
  const reloader = new ConfigReloader<Settings>(
    {
      file,
      clock: systemClock,
      load: (text) => settingsFrom(text, sources),
      apply: (next) => running.reload(next),
      report: ({ error }) => running.reloaded(error === undefined, error?.message ?? ''),
    },
    readConfigFile(file),
    settings,
  );
  reloader.watch();
  process.on('SIGHUP', () => {
    running.replacement?.forward('SIGHUP');
    void reloader.reload('SIGHUP');
  });
  return () => void reloader.close();
}

/** Resolves after `--duration`; never without it. */
function lasted(durationMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (durationMs !== undefined) systemClock.after(durationMs, () => resolve());
  });
}

/** An end takes less than ten seconds, unless requests may drain for longer. */
const END_LIMIT_MS = 9_500;
const AFTER_DRAIN_MS = 500;
/** Of an end that was asked for during the start, which has used a part of the limit. */
const LEAST_END_MS = 2_000;

interface OwnProcess {
  readonly leaveParent: () => void;
  readonly exit: (code: number) => void;
}

function leaveParent(): void {
  if (process.connected) process.disconnect();
}

/** Closes within `limitMs`; parts that wait longer for a disk or a peer are left behind. Resolves with the exit code. */
export async function end(
  running: Pick<Running, 'close'>,
  limitMs: number = END_LIMIT_MS,
  clock: Clock = systemClock,
  own: OwnProcess = { leaveParent, exit: (code) => process.exit(code) },
): Promise<number> {
  let cancel = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(limitMs, () => resolve(undefined));
  });
  const troubles = await Promise.race([running.close(), late]);
  cancel();
  const left = `Not everything has stopped within ${limitMs / 1_000} s; the rest is left behind.`;
  for (const trouble of troubles ?? [left]) tell(trouble);
  own.leaveParent();
  // A part that still waits would otherwise keep the process alive.
  if (troubles === undefined) own.exit(0);
  return 0;
}

export function banner(running: Pick<Running, 'addresses'>, readyMs: number, file: string | undefined): void {
  const rows = [...running.addresses, ['Config', file ?? 'defaults'] as const];
  const width = Math.max(...rows.map(([name]) => name.length));
  tell(`\n  ${paint('bold', `vitrine ${version()}`, process.stderr)}   ready in ${(readyMs / 1000).toFixed(1)} s\n`);
  for (const [name, where] of rows) tell(`  ${name.padEnd(width)}  ${paint('cyan', where, process.stderr)}`);
  tell('');
}

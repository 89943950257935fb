/**
 * Reads the whole configuration (`settings-schema.ts`) from file, environment and flags. Sections that this version does
 * not use are accepted and named in a warning, so that a file for a newer Vitrine still works.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';
import { formatDurationMs, parseDurationMs } from '../../base/units.ts';
import { readConfigFile } from '../../config/config-file.ts';
import { loadConfig, type KeyAlias } from '../../config/load.ts';
import type { Address } from '../../config/types.ts';
import { flatEmail, flatSlack, flatWebhook } from '../../monitor/alerts/notify/file/flat-channels.ts';
import { isLoopback } from '../../model/exposure.ts';
import { targetId } from '../../monitor/targets/config/compile.ts';
import { savedNames } from '../../monitor/targets/config/saved-names.ts';
import { settingsProblems } from './settings-checks.ts';
import { settingsSchema, type Settings } from './settings-schema.ts';

const LATER_SECTIONS = ['analysis', 'reports', 'ai'] as const;
const DEFAULT_FILE = 'vitrine.yaml';

/** The JSON file of a flat performance monitor (`monitoring`, `alerts.email`, `database`, `ai`) is accepted as it is. */
const ALIASES: readonly KeyAlias[] = [
  { from: ['database', 'retention_days'], to: ['store', 'retention'], convert: (days) => `${String(days)}d` },
  { from: ['alerts', 'email'], to: ['notify', 'email'], convert: flatEmail },
  { from: ['alerts', 'slack'], to: ['notify', 'slack'], convert: flatSlack },
  { from: ['alerts', 'webhook'], to: ['notify', 'webhook'], convert: flatWebhook },
  { from: ['alerts', 'sms'], to: ['notify', 'sms'], convert: flatWebhook },
];

export interface SettingsSources {
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Dotted key → value, from the flag of that name. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Dotted key → value of defaults that replace the schema's. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/** The named file, or ./vitrine.yaml if that exists. */
export function configFile(named: string | undefined): string | undefined {
  return named ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/**
 * Throws VitrineError `config_invalid` with every mistake, `config_unreadable` or `auth_required_to_bind`. `warn` is called
 * with each warning.
 */
export function readSettings(sources: SettingsSources, warn: (sentence: string) => void = () => {}): Settings {
  const file = configFile(sources.file);
  return settingsFrom(file === undefined ? undefined : readConfigFile(file), sources, warn);
}

/** As `readSettings`, for a text that was already read. */
export function settingsFrom(
  text: string | undefined,
  { file, env, flags = {}, defaults = {} }: SettingsSources,
  warn: (sentence: string) => void = () => {},
): Settings {
  const overlays = Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ({ path: key.split('.'), value, source: `--${key.split('.').at(-1) ?? key}` }));
  const token = env['VITRINE_TOKEN'] ?? '';
  if (token !== '') overlays.push({ path: ['auth', 'token'], value: token, source: 'VITRINE_TOKEN' });
  const { config, warnings } = loadConfig({
    schema: settingsSchema,
    file: configFile(file) ?? 'vitrine.yaml',
    text,
    env,
    flags: overlays,
    defaults: Object.entries(defaults).map(([key, value]) => ({ path: key.split('.'), value, source: 'default' })),
    aliases: ALIASES,
    ownNames: savedNames,
    check: settingsProblems,
  });
  checkExposure(config);
  const directory = path.dirname(configFile(file) ?? '.');
  for (const sentence of [...warnings, ...warningsOf(config)]) warn(sentence);
  const { notify } = config;
  const { schema, files } = config.ingest.logs;
  const logs = {
    ...config.ingest.logs,
    schema: schema === undefined ? undefined : path.resolve(directory, schema),
    files: files.map((file) => ({ ...file, path: path.resolve(directory, file.path) })),
  };
  return {
    ...config,
    ingest: { ...config.ingest, logs },
    rules: config.rules.map((pattern) => path.resolve(directory, pattern)),
    probe: inDirectory(config.probe, directory),
    targets: { ...config.targets, list: config.targets.list.map((target) => withFiles(target, directory)) },
    notify: { ...notify, file: notify.file === undefined ? undefined : path.resolve(directory, notify.file) },
  };
}

const inDirectory = ({ modules_file: file }: Settings['probe'], directory: string): Settings['probe'] => ({
  modules_file: file === undefined ? undefined : path.resolve(directory, file),
});

/** The files that a target names, from the directory of the configuration. */
function withFiles<T extends Settings['targets']['list'][number]>(target: T, directory: string): T {
  const { tls_config: config } = target;
  if (config === undefined) return target;
  const resolved = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      key.endsWith('_file') && typeof value === 'string' ? path.resolve(directory, value) : value,
    ]),
  );
  return { ...target, tls_config: resolved };
}

function checkExposure({ monitor: ports, auth: { token } }: Settings): void {
  const exposed = (['listen', 'otlp_http', 'otlp_grpc'] as const).find((name) => !isLoopback(ports[name].host));
  if (exposed === undefined || token !== undefined) return;
  throw new VitrineError(
    'auth_required_to_bind',
    `monitor.${exposed} is ${addressText(ports[exposed])}, which others can reach, and no token is set.`,
    {
      hint: 'Set auth.token_file, auth.token or VITRINE_TOKEN, or listen on 127.0.0.1.',
    },
  );
}

/** Shorter tokens are easy to guess. */
const MIN_TOKEN_LENGTH = 16;

function warningsOf(settings: Settings): string[] {
  const token = settings.auth.token?.reveal();
  return [
    ...LATER_SECTIONS.filter((section) => settings[section] !== undefined).map(
      (section) => `${section}: not used by this version`,
    ),
    ...(token !== undefined && token.length < MIN_TOKEN_LENGTH
      ? [`auth.token: a token of fewer than ${MIN_TOKEN_LENGTH} characters is easily guessed`]
      : []),
    ...unknownPublished(settings),
    ...windowsBeyondRecords(settings),
  ];
}

/** The figure of an objective cannot be of a longer time than its rows or samples are kept. */
function windowsBeyondRecords({ slo, store }: Settings): string[] {
  return slo.flatMap(({ name, window, requests }): string[] => {
    const isLedger = requests !== undefined;
    // Another server's samples are kept for as long as that server says.
    if (!isLedger && store.metrics.url !== undefined) return [];
    const keptMs = isLedger ? store.requests.retention : store.retention;
    if ((parseDurationMs(window) ?? 0) <= keptMs) return [];
    const key = isLedger ? 'store.requests.retention' : 'store.retention';
    const kept = formatDurationMs(keptMs);
    return [`slo: the window of "${name}" is ${window}, but ${key} is ${kept}: its figure is of those ${kept} only`];
  });
}

/** Targets may be made later by API, so that an unknown name is no mistake yet. */
function unknownPublished({ status_page: page, targets, monitoring }: Settings): string[] {
  const known = new Set([...targets.list, ...(monitoring?.targets ?? [])].map(({ name }) => targetId(name)));
  const named = page?.components.flatMap((component) => component.targets) ?? [];
  return named
    .filter((name) => !known.has(targetId(name)))
    .map((name) => `status_page: this file has no target "${name}"; it has no data until one is made`);
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The URL by which other processes on this machine reach an address. */
export function localUrl({ host, port }: Address): string {
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}

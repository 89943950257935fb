/** A target as it is written, turned into what the scheduler and the history need: a complete specification with all defaults. */
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs } from '../../../base/units.ts';
import { parseAddress } from '../../../config/types.ts';
import type { Origin } from '../../outbound/guard.ts';
import type { CheckSpec, FamilyChoice, HttpExpect, HttpSpec, RecordMatches, StepSpec, TlsChoice } from '../check.ts';
import type { RunRules } from '../history/runs.ts';
import { moduleSpec, type Modules, type ReadFile } from '../probe/modules.ts';
import { KIND_KEYS, type StepConfig, type TargetConfig } from './schema.ts';

export interface Target {
  /** The name in letters, digits and dashes: part of addresses. */
  readonly id: string;
  readonly name: string;
  readonly kind: CheckSpec['kind'] | 'heartbeat';
  /** The label `instance`: the URL or address that is checked. */
  readonly instance: string;
  readonly origin: Origin;
  /** Undefined for a heartbeat. */
  readonly spec: CheckSpec | undefined;
  readonly heartbeat: { readonly periodMs: number; readonly graceMs: number } | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retryMs: number;
  readonly rules: RunRules;
  readonly dependsOn: readonly string[];
  readonly tags: readonly string[];
  readonly group: string;
  readonly competitor: boolean;
  readonly enabled: boolean;
  readonly config: TargetConfig;
}

export interface CompileTools {
  readonly modules: Modules;
  readonly read: ReadFile;
  /** Of targets that have none of their own. */
  readonly intervalMs?: number | undefined;
}

const DEFAULT_INTERVAL_MS = 30_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const MAX_RESOURCES = 60;

export const targetId = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '') || `target-${Buffer.from(name).toString('hex').slice(0, 16)}`;

const msOf = (text: string | undefined, fallback: number): number =>
  text === undefined ? fallback : (parseDurationMs(text) ?? fallback);
const many = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];

function familyOf({ ip = '4' }: TargetConfig): FamilyChoice {
  return { prefer: ip.endsWith('6') ? 6 : 4, fallback: !ip.startsWith('only') };
}

function tlsOf({ tls_config: config = {} }: TargetConfig, read: ReadFile): TlsChoice {
  const text = (file: string | undefined): string | undefined => (file === undefined ? undefined : read(file));
  return {
    ca: text(config.ca_file),
    cert: text(config.cert_file),
    key: text(config.key_file),
    serverName: config.server_name,
    insecure: config.insecure_skip_verify ?? false,
  };
}

function expectOf({ expect = {} }: Pick<TargetConfig, 'expect'>): HttpExpect {
  const latency = /\d.*/.exec(expect.latency ?? '')?.[0];
  return {
    statuses: many(expect.status).map(String),
    versions: [],
    latencyMs: latency === undefined ? undefined : parseDurationMs(latency),
    body: [
      ...many(expect.body).map((pattern) => ({ pattern, must: true })),
      ...many(expect.body_not).map((pattern) => ({ pattern, must: false })),
    ],
    headers: Object.entries(expect.headers ?? {}).map(([header, pattern]) => ({
      header,
      pattern,
      must: true,
      allowMissing: false,
    })),
    json: many(expect.json),
    certificateDays: expect.certificate_days,
  };
}

function authorizationOf({ auth, bearer_token }: TargetConfig): Record<string, string> {
  if (auth !== undefined) {
    const pair = `${auth.username}:${auth.password.reveal()}`;
    return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  }
  return bearer_token === undefined ? {} : { Authorization: `Bearer ${bearer_token.reveal()}` };
}

type RequestFields = Pick<StepConfig, 'method' | 'headers' | 'body' | 'expect' | 'follow_redirects' | 'compression'>;

function requestOf(url: string, fields: RequestFields, config: TargetConfig, read: ReadFile): Omit<HttpSpec, 'kind'> {
  return {
    url,
    method: fields.method ?? (fields.body === undefined ? 'GET' : 'POST'),
    headers: fields.headers ?? {},
    body: fields.body,
    followRedirects: fields.follow_redirects ?? true,
    compression: fields.compression,
    family: familyOf(config),
    tls: tlsOf(config, read),
    proxyUrl: config.proxy,
    http2: config.http2 ?? true,
    maxBodyBytes: MAX_BODY_BYTES,
    expect: expectOf(fields),
    traced: true,
  };
}

const ANY_RECORD: RecordMatches = {
  failIfMatches: [],
  failIfAllMatch: [],
  failIfNotMatches: [],
  failIfNoneMatches: [],
};

function hostOf(text: string, defaultPort?: number): { readonly host: string; readonly port: number } {
  const found = parseAddress(text) ?? (defaultPort === undefined ? undefined : parseAddress(`${text}:${defaultPort}`));
  if (found === undefined) throw new VitrineError('bad_request', `"${text}" is no address with a port.`);
  return found;
}

type Build = (config: TargetConfig, tools: CompileTools) => { readonly spec: CheckSpec; readonly instance: string };

const BUILDS: Readonly<Record<Exclude<(typeof KIND_KEYS)[number], 'heartbeat'>, Build>> = {
  url(config, { read }) {
    const { url = '' } = config;
    const request = requestOf(
      url,
      { ...config, headers: { ...authorizationOf(config), ...config.headers } },
      config,
      read,
    );
    const spec: CheckSpec =
      config.type === 'web'
        ? { ...request, kind: 'web', maxBroken: config.expect?.broken_resources, maxResources: MAX_RESOURCES }
        : { ...request, kind: 'http' };
    return { spec, instance: url };
  },
  tcp(config, { read }) {
    const { tcp: at = '', send, answer } = config;
    const tls = tlsOf(config, read);
    const dialogue = send === undefined && answer === undefined ? [] : [{ send }, { expect: answer }];
    const spec: CheckSpec = { kind: 'tcp', ...hostOf(at), family: familyOf(config), startTls: tls, dialogue };
    return { spec: config.tls_config === undefined ? spec : { ...spec, tls }, instance: at };
  },
  tls(config, { read }) {
    const { tls: at = '' } = config;
    const certificateDays = config.expect?.certificate_days ?? 7;
    const tls = tlsOf(config, read);
    return { spec: { kind: 'tls', ...hostOf(at), family: familyOf(config), tls, certificateDays }, instance: at };
  },
  dns(config) {
    const { server = '', name = '', type = 'A', answer } = config.dns ?? {};
    const spec: CheckSpec = {
      kind: 'dns',
      ...hostOf(server, 53),
      family: familyOf(config),
      transport: 'udp',
      queryName: name,
      queryType: type,
      recursion: true,
      rcodes: ['NOERROR'],
      answer: { ...ANY_RECORD, failIfNoneMatches: [answer ?? '.'] },
      authority: ANY_RECORD,
      additional: ANY_RECORD,
    };
    return { spec, instance: `${name}@${server}` };
  },
  websocket(config, { read }) {
    const { websocket: url = '', send, answer } = config;
    const headers = { ...authorizationOf(config), ...config.headers };
    const tls = tlsOf(config, read);
    const spec: CheckSpec = { kind: 'websocket', url, headers, family: familyOf(config), tls, send, expect: answer };
    return { spec, instance: url };
  },
  grpc(config, { read }) {
    const { grpc: at = '', service = '' } = config;
    const tls = config.tls_config === undefined ? undefined : tlsOf(config, read);
    return { spec: { kind: 'grpc', ...hostOf(at), family: familyOf(config), service, tls }, instance: at };
  },
  exec({ exec: command = [], warning_is_up: warningIsUp = true }) {
    return { spec: { kind: 'exec', command, warningIsUp }, instance: command[0] };
  },
  steps(config, { read }) {
    const { steps: written = [] } = config;
    const steps = written.map((one, at): StepSpec => ({
      ...requestOf(one.url, one, config, read),
      name: one.name ?? `step ${at + 1}`,
      save: one.save ?? {},
    }));
    return { spec: { kind: 'steps', steps }, instance: written[0].url };
  },
  module(config, { modules, read }) {
    const module = modules.get(config.module ?? '');
    if (module === undefined) throw new VitrineError('bad_request', `Module "${config.module}" is not known.`);
    if (config.target === undefined) throw new VitrineError('bad_request', 'A module needs "target".');
    return { spec: moduleSpec(module, config.target, read), instance: config.target };
  },
};

/** Throws VitrineError `bad_request` for what the schema cannot see. */
export function compileTarget(config: TargetConfig, origin: Origin, tools: CompileTools): Target {
  const key = KIND_KEYS.find((one) => config[one] !== undefined) ?? 'url';
  if (origin === 'api') refuseLocal(config);
  const { name } = config;
  const heartbeat = key === 'heartbeat' ? heartbeatOf(config) : undefined;
  const built = key === 'heartbeat' ? { spec: undefined, instance: name } : BUILDS[key](config, tools);
  return {
    id: targetId(name),
    name,
    kind: built.spec?.kind ?? 'heartbeat',
    instance: built.instance,
    origin,
    spec: built.spec,
    heartbeat,
    ...timesOf(config, tools, heartbeat !== undefined),
    ...placeOf(config),
    config,
  };
}

const heartbeatOf = ({ heartbeat, grace }: TargetConfig): NonNullable<Target['heartbeat']> => ({
  periodMs: msOf(heartbeat, 0),
  graceMs: msOf(grace, 0),
});

function timesOf(
  config: TargetConfig,
  tools: CompileTools,
  isHeartbeat: boolean,
): Pick<Target, 'intervalMs' | 'timeoutMs' | 'retryMs' | 'rules'> {
  const intervalMs = msOf(config.interval, tools.intervalMs ?? DEFAULT_INTERVAL_MS);
  const timeoutMs = Math.min(msOf(config.timeout, DEFAULT_TIMEOUT_MS), intervalMs);
  const { failures = 2, successes = 1 } = config;
  return {
    intervalMs,
    timeoutMs,
    retryMs: msOf(config.retry_interval, Math.min(5_000, intervalMs)),
    rules: {
      holdMs: 2 * intervalMs + timeoutMs,
      // A missed beat is a fact, not a sample that may be wrong.
      failures: isHeartbeat ? 1 : failures,
      successes: isHeartbeat ? 1 : successes,
    },
  };
}

const placeOf = ({ depends_on = [], tags = [], group = '', competitor = false, enabled = true }: TargetConfig) => ({
  dependsOn: depends_on.map(targetId),
  tags,
  group,
  competitor,
  enabled,
});

/** Programs and files of this machine are named by the owner of the configuration file only. */
function refuseLocal({ exec, tls_config, proxy }: TargetConfig): void {
  const local = [
    exec !== undefined && 'exec',
    (tls_config?.ca_file ?? tls_config?.cert_file ?? tls_config?.key_file) !== undefined && 'files in tls_config',
    proxy !== undefined && 'proxy',
  ].find((one) => one !== false);
  if (local === undefined) return;
  throw new VitrineError('forbidden', `${local} can be set in the configuration file only.`);
}

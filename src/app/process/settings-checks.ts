/**
 * Checks across sections: addresses that clash, a balancer that is its own upstream, duplicate names. Each is an error with
 * its place, because otherwise the program would start and not behave as configured.
 */
import type { Path } from '../../config/document.ts';
import { parseAddress, type Address } from '../../config/types.ts';
import { targetId } from '../../monitor/targets/config/compile.ts';
import { targetProblems } from '../../monitor/targets/config/joined.ts';
import { isLoopback } from '../../model/exposure.ts';
import { settingsSchema, type Settings } from './settings-schema.ts';

export interface SettingsProblem {
  readonly path: Path;
  readonly message: string;
}

const ANY_HOST = new Set(['0.0.0.0', '::']);

/** Whether a connection to `to` arrives at a listener on `at`. Port 0 is any free port, so it clashes with nothing. */
function reaches(to: Address, at: Address): boolean {
  if (to.port !== at.port || to.port === 0) return false;
  if (to.host === at.host || ANY_HOST.has(to.host)) return true;
  const local = isLoopback(to.host);
  return local && (ANY_HOST.has(at.host) || (to.host === 'localhost' && isLoopback(at.host)));
}

type Fields = Readonly<Record<string, unknown>>;
type Listening = Pick<Settings, 'balancer' | 'monitor' | 'sample'> & Partial<Pick<Settings, 'status_page'>>;

const objectOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);

/** What would listen if only the addresses were as written: for a configuration that has other mistakes. */
function listening(written: unknown): Listening {
  const { balancer, monitor, sample } = objectOf(written);
  const addresses = (section: unknown, names: readonly string[]): Fields => {
    const given = objectOf(section);
    return Object.fromEntries(
      names.flatMap((name) => (parseAddress(String(given[name])) === undefined ? [] : [[name, given[name]]])),
    );
  };
  const { upstreams, routes } = objectOf(balancer);
  const { listen, enabled } = objectOf(sample);
  const isAddresses = listOf(listen).every((one) => parseAddress(String(one)) !== undefined);
  return settingsSchema.parse({
    balancer: addresses(balancer, ['listen']),
    monitor: addresses(monitor, ['listen', 'otlp_http', 'otlp_grpc']),
    sample: {
      enabled: enabled !== false && upstreams === undefined && routes === undefined,
      ...(Array.isArray(listen) && listen.length > 0 && isAddresses ? { listen: listen.map(String) } : {}),
    },
  });
}

const statusListener = ({ listen }: NonNullable<Settings['status_page']>): readonly [Path, Address] => [
  ['status_page', 'listen'],
  listen,
];

function listeners({ balancer, monitor, sample, status_page }: Listening): (readonly [Path, Address])[] {
  const samples = sample.enabled && balancer.routes.length === 0 ? sample.listen : [];
  return [
    [['balancer', 'listen'], balancer.listen],
    [['monitor', 'listen'], monitor.listen],
    [['monitor', 'otlp_http'], monitor.otlp_http],
    [['monitor', 'otlp_grpc'], monitor.otlp_grpc],
    ...samples.map((address, at): readonly [Path, Address] => [['sample', 'listen', at], address]),
    ...(status_page === undefined ? [] : [statusListener(status_page)]),
  ];
}

function clashes(settings: Listening): SettingsProblem[] {
  const all = listeners(settings);
  return all.flatMap(([path, address], at) => {
    const first = all.slice(0, at).find(([, other]) => reaches(address, other) || reaches(other, address));
    if (first === undefined) return [];
    return [{ path, message: `port ${address.port} is taken by ${first[0].join('.')}; choose another` }];
  });
}

/** The upstreams as written, with their places: those of the short form and of the routes. */
function writtenUpstreams(written: unknown): (readonly [Path, unknown])[] {
  const balancer = objectOf(objectOf(written)['balancer']);
  const under = (path: Path, value: unknown): (readonly [Path, unknown])[] =>
    listOf(value).map((one, at) => [[...path, at], one] as const);
  return [
    ...under(['balancer', 'upstreams'], balancer['upstreams']),
    ...listOf(balancer['routes']).flatMap((route, at) =>
      under(['balancer', 'routes', at, 'upstreams'], objectOf(route)['upstreams']),
    ),
  ];
}

function addressOf(upstream: unknown): Address | undefined {
  const text = typeof upstream === 'string' ? upstream : (upstream as { url?: unknown } | null)?.url;
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || url.host === '') return undefined;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return parseAddress(`${url.hostname}:${port}`);
}

function loops({ balancer }: Listening, written: unknown): SettingsProblem[] {
  return writtenUpstreams(written).flatMap(([path, upstream]) => {
    const address = addressOf(upstream);
    if (address === undefined || !reaches(address, balancer.listen)) return [];
    return [{ path, message: 'this is the balancer itself: each request would go round for ever' }];
  });
}

function doubledAlerts(written: unknown): SettingsProblem[] {
  const seen = new Map<string, number>();
  return listOf(objectOf(written)['alerts']).flatMap((one, at): SettingsProblem[] => {
    const { name, severity = 'warning' } = objectOf(one);
    if (typeof name !== 'string') return [];
    const key = JSON.stringify([name, severity]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, at);
    return first === undefined
      ? []
      : [{ path: ['alerts', at, 'name'], message: `alert ${first + 1} has this name too` }];
  });
}

function wrongObjectives({ slo, targets, monitoring }: Settings): SettingsProblem[] {
  const names = new Set([...targets.list, ...(monitoring?.targets ?? [])].map(({ name }) => name));
  return slo.flatMap(({ name, target }, at): SettingsProblem[] => [
    ...(slo.findIndex((other) => other.name === name) < at
      ? [{ path: ['slo', at, 'name'], message: `there is an objective "${name}" already` }]
      : []),
    ...(target === undefined || names.has(target)
      ? []
      : [{ path: ['slo', at, 'target'], message: `there is no target "${target}"` }]),
  ]);
}

function wrongTargets({ targets, monitoring }: Settings, written: unknown): SettingsProblem[] {
  const all = [...targets.list, ...(monitoring?.targets ?? [])].map((one) => ({
    id: targetId(one.name),
    name: one.name,
    dependsOn: 'depends_on' in one ? (one.depends_on ?? []).map(targetId) : [],
  }));
  const isList = Array.isArray((written as { targets?: unknown }).targets);
  return targetProblems(all).map(({ at, key, message }) => {
    const own = targets.list.length;
    const base: Path = isList ? ['targets', at] : ['targets', 'list', at];
    return { path: at < own ? [...base, key] : ['monitoring', 'targets', at - own, key], message };
  });
}

/**
 * `written`: the configuration before its schema, where the places are those of the file. Without `settings`, because the
 * schema refused something, the same checks are made of what is written.
 */
export function settingsProblems(settings: Settings | undefined, written: unknown): SettingsProblem[] {
  const parts = settings ?? listening(written);
  return [
    ...clashes(parts),
    ...loops(parts, written),
    ...doubledAlerts(written),
    ...(settings === undefined ? [] : [...wrongTargets(settings, written), ...wrongObjectives(settings)]),
  ];
}

/**
 * Step 3, inhibit, by what is known of the machines: while something is down, alerts about what runs on it, and about what
 * depends on it by the configuration, are muted, so that a dead machine is one message. Only names in labels and the
 * configuration count. Observed calls between services do not: a caller may fail for a reason of its own.
 *
 * An alert says that something is down by the annotation `vitrine_down` (`host`, `address` or `service`), else by its name, such
 * as `HostDown`. Two alerts that would mute each other: the older one counts.
 */
import type { Labels } from '../../../../model/labels.ts';
import type { Inhibition } from './inhibit.ts';
import { isResolved, type StoredAlert } from './intake.ts';

/** Name → names that it depends on. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

type ThingKind = 'host' | 'address' | 'service';

interface Thing {
  readonly kind: ThingKind;
  readonly name: string;
}

const DOWN = '(?:Is)?(?:Down|Dead|Unreachable|Offline)$';
const BY_NAME: readonly (readonly [ThingKind, RegExp])[] = [
  ['host', new RegExp(`^(?:Host|Node|Machine|Server)${DOWN}`, 'i')],
  ['address', new RegExp(`^(?:Instance|Target|Upstream|Endpoint)${DOWN}`, 'i')],
  ['service', new RegExp(`^(?:Service|Job|Application|App)${DOWN}`, 'i')],
];
const LABELS: Readonly<Record<ThingKind, readonly string[]>> = {
  host: ['host', 'host_name', 'hostname', 'node', 'nodename', 'machine', 'server'],
  // The balancer's alerts about an upstream have its own address as `instance`.
  address: ['vitrine_upstream', 'target', 'instance'],
  service: ['service', 'service_name', 'job'],
};
const KINDS = Object.keys(LABELS) as ThingKind[];
/** Names of every machine: they tell no two apart. */
const OWN_HOST = new Set(['localhost', '127.0.0.1', '[::1]', '::1', '0.0.0.0']);
/** Names that one alert may depend on, over several steps. */
const MAX_REACHED = 1_000;

/** `http://web1:8080/x` → `web1:8080`. */
const addressOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#].*$/, '');
const hostOf = (address: string): string => address.replace(/:\d+$/, '');
const keyOf = ({ kind, name }: Thing): string => `${kind} ${name}`;

function namesOf(kind: ThingKind, labels: Labels): string[] {
  const values = LABELS[kind].map((label) => labels.get(label)).filter((value) => value !== '');
  return kind === 'address' ? values.map(addressOf) : values.map((value) => value.toLowerCase());
}

/** Everything that the labels say about where the alert is. */
function placesOf(labels: Labels): Thing[] {
  const things = KINDS.flatMap((kind) => namesOf(kind, labels).map((name) => ({ kind, name })));
  const hosts = namesOf('address', labels)
    .map(hostOf)
    .filter((host) => !OWN_HOST.has(host));
  return [...things, ...hosts.map((name) => ({ kind: 'host' as const, name }))];
}

/** What the alert says is down. */
export function downThing({ labels, annotations }: Pick<StoredAlert, 'labels' | 'annotations'>): Thing | undefined {
  const said = KINDS.find((kind) => kind === annotations['vitrine_down']);
  const kind = said ?? BY_NAME.find(([, pattern]) => pattern.test(labels.get('alertname')))?.[0];
  if (kind === undefined) return undefined;
  const [name] = namesOf(kind, labels);
  if (name !== undefined) return kind === 'address' && hostOf(name) === name ? { kind: 'host', name } : { kind, name };
  const [address] = kind === 'host' ? namesOf('address', labels) : [];
  return address === undefined || OWN_HOST.has(hostOf(address)) ? undefined : { kind: 'host', name: hostOf(address) };
}

const isOlder = (a: StoredAlert, b: StoredAlert): boolean =>
  a.startsAtMs === b.startsAtMs ? a.fingerprint < b.fingerprint : a.startsAtMs < b.startsAtMs;

export class Topology {
  readonly #dependencies: Dependencies;
  /** Alerts that say that something is down, by that thing. */
  readonly #down = new Map<string, Map<string, StoredAlert>>();
  readonly #things = new Map<string, Thing>();

  constructor(dependencies: Dependencies) {
    this.#dependencies = new Map(
      [...dependencies].map(([name, on]) => [name.toLowerCase(), on.map((one) => one.toLowerCase())]),
    );
  }

  update(alert: StoredAlert): void {
    this.remove(alert);
    const thing = downThing(alert);
    if (thing === undefined) return;
    const same = this.#down.get(keyOf(thing)) ?? new Map<string, StoredAlert>();
    same.set(alert.fingerprint, alert);
    this.#down.set(keyOf(thing), same);
    this.#things.set(alert.fingerprint, thing);
  }

  remove({ fingerprint }: StoredAlert): void {
    const thing = this.#things.get(fingerprint);
    if (thing === undefined) return;
    this.#things.delete(fingerprint);
    const same = this.#down.get(keyOf(thing));
    same?.delete(fingerprint);
    if (same?.size === 0) this.#down.delete(keyOf(thing));
  }

  mutedBy(alert: StoredAlert, nowMs: number): Inhibition | undefined {
    if (this.#down.size === 0) return undefined;
    const own = downThing(alert);
    for (const [key, why] of this.#needs(alert.labels)) {
      for (const source of this.#down.get(key)?.values() ?? []) {
        if (source.fingerprint === alert.fingerprint || isResolved(source, nowMs)) continue;
        const isMutual = own !== undefined && this.#needs(source.labels).has(keyOf(own));
        if (isMutual && !isOlder(source, alert)) continue;
        const rule = { name: `topology: ${why}`, source: [], target: [], equal: [] };
        return { rule, source: source.fingerprint, sourceLabels: source.labels };
      }
    }
    return undefined;
  }

  /** Keys of the things that the alert needs, each with a sentence why. */
  #needs(labels: Labels): Map<string, string> {
    const places = placesOf(labels);
    const needs = new Map(places.map((thing) => [keyOf(thing), `${keyOf(thing)} is down`]));
    const reached = new Set(places.map(({ name }) => name));
    const waiting = [...reached];
    for (let name = waiting.shift(); name !== undefined && reached.size < MAX_REACHED; name = waiting.shift()) {
      for (const on of this.#dependencies.get(name) ?? []) {
        if (reached.has(on)) continue;
        reached.add(on);
        waiting.push(on);
        for (const kind of KINDS) {
          const key = keyOf({ kind, name: on });
          if (!needs.has(key)) needs.set(key, `${name} depends on ${on}, which is down`);
        }
      }
    }
    return needs;
  }
}

/**
 * The runtime API shows the running state. An operator may change it by hand until the next start. Each change is recorded
 * with who made it, what it changed and the call that undoes it. Each change is also written to the log.
 */
import { BoundedQueue } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import { problemOf, VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { CareCall, CareChange, CareReply } from '../../../model/care.ts';
import type { CacheCare, PurgeTarget } from '../../../model/response-cache.ts';
import type { Route, RouteTable } from '../routes/route.ts';
import type { Upstream } from '../upstream/upstream.ts';

export interface CarePieces {
  readonly routes: () => RouteTable;
  readonly cache: CacheCare | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

const CHANGES_KEPT = 200;
const WEIGHT_LIMIT = 1000;
/** Number of keys in the lists of hot keys and most-missed keys. */
const KEYS_SHOWN = 20;

export class Care {
  readonly #pieces: CarePieces;
  readonly #changes = new BoundedQueue<CareChange>(CHANGES_KEPT);
  #id = 0;

  constructor(pieces: CarePieces) {
    this.#pieces = pieces;
  }

  /** Answers one call. Never rejects: errors become problem bodies. */
  async call(call: CareCall): Promise<CareReply> {
    try {
      return { status: 200, body: await this.#answer(call) };
    } catch (error) {
      const problem = problemOf(error);
      return { status: problem.status, body: problem };
    }
  }

  #answer(call: CareCall): unknown {
    const parts = call.path.split('/').slice(2).map(decoded);
    const [area, kind, id, action] = parts;
    if (call.method === 'GET' && parts.length === 1) {
      if (area === 'balancer') return this.#overview();
      if (area === 'cache') return this.#cache().figures(KEYS_SHOWN);
    }
    if (call.method === 'POST' && area === 'balancer' && parts.length === 4) {
      if (kind === 'upstreams') return this.#upstream(id, action, call);
      if (kind === 'routes' && action === 'maintenance') return this.#maintenance(id, call);
    }
    if (call.method === 'POST' && area === 'cache' && parts.length === 2) return this.#cacheAction(kind, call);
    throw unknownCall(call);
  }

  #cacheAction(action: string, call: CareCall): unknown {
    if (action === 'purge') return this.#purge(call);
    if (action === 'unpurge') return this.#unpurge(call);
    throw unknownCall(call);
  }

  #cache(): CacheCare {
    const { cache } = this.#pieces;
    if (cache === undefined) throw new VitrineError('not_found', 'No responses are kept here.');
    return cache;
  }

  #overview(): unknown {
    return {
      routes: this.#pieces.routes().routes.map((route) => ({
        id: idOf(route.id),
        name: route.id,
        host: route.host ?? null,
        path: route.path,
        maintenance: route.gate.maintained,
        upstreams: route.upstreams.map((one) => ({
          id: idOf(one.name),
          name: one.name,
          weight: one.share,
          backup: one.backup,
          drained: one.drained,
          available: one.available,
          inflight: one.inflight,
          streams: one.streams,
        })),
      })),
      changes: [...this.#changes].toReversed(),
    };
  }

  #changed(change: Omit<CareChange, 'id' | 'atMs'>): { readonly change: CareChange } {
    this.#id += 1;
    const whole: CareChange = { id: this.#id, atMs: this.#pieces.clock.now(), ...change };
    this.#changes.push(whole);
    const { who, action, target, before, after } = change;
    this.#pieces.log.info({ who, action, target, before, after, change: whole.id }, 'changed by hand');
    return { change: whole };
  }

  /** One address in all routes that use it. */
  #named(id: string): { readonly upstreams: readonly Upstream[]; readonly routes: readonly Route[] } {
    const routes = this.#pieces.routes().routes.filter((route) => route.upstreams.some((one) => isNamed(one.name, id)));
    const upstreams = routes.flatMap((route) => route.upstreams.filter((one) => isNamed(one.name, id)));
    if (upstreams.length > 0) return { upstreams, routes };
    const known = [...new Set(this.#pieces.routes().routes.flatMap((route) => route.upstreams.map((one) => one.name)))];
    throw new VitrineError('not_found', `There is no upstream "${id}".`, { hint: `There are ${known.join(', ')}.` });
  }

  #upstream(id: string, action: string, call: CareCall): unknown {
    const { upstreams, routes } = this.#named(id);
    const path = (to: string): string => `/api/balancer/upstreams/${idOf(id)}/${to}`;
    const by = { who: call.who, target: upstreams[0].name };
    if (action === 'drain' || action === 'undrain') {
      const before = upstreams[0].drained;
      for (const one of upstreams) one.drain(action === 'drain');
      const undo = { method: 'POST' as const, path: path(before ? 'drain' : 'undrain'), body: {} };
      return this.#changed({ ...by, action, before, after: action === 'drain', undo });
    }
    if (action !== 'weight') throw new VitrineError('not_found', `An upstream has no "${action}".`);
    const weight = fieldOf(call.body, 'weight');
    if (typeof weight !== 'number' || !Number.isInteger(weight) || weight < 1 || weight > WEIGHT_LIMIT)
      throw new VitrineError('bad_request', `"weight" must be a whole number from 1 to ${WEIGHT_LIMIT}.`, {
        hint: 'To give it nothing, drain it.',
      });
    const before = upstreams[0].share;
    for (const one of upstreams) one.share = weight;
    for (const route of routes) route.picker.reweigh();
    const undo = { method: 'POST' as const, path: path('weight'), body: { weight: before } };
    return this.#changed({ ...by, action, before, after: weight, undo });
  }

  #maintenance(id: string, call: CareCall): unknown {
    const route = this.#pieces.routes().routes.find((one) => isNamed(one.id, id));
    if (route === undefined) {
      const known = this.#pieces.routes().routes.map((one) => one.id);
      throw new VitrineError('not_found', `There is no route "${id}".`, { hint: `There are ${known.join(', ')}.` });
    }
    const enabled = fieldOf(call.body, 'enabled') ?? true;
    if (typeof enabled !== 'boolean') throw new VitrineError('bad_request', '"enabled" must be true or false.');
    const before = route.gate.maintained;
    route.gate.maintain(enabled);
    route.guarded = !route.gate.open;
    const path = `/api/balancer/routes/${idOf(id)}/maintenance`;
    const undo = { method: 'POST' as const, path, body: { enabled: before } };
    return this.#changed({ who: call.who, action: 'maintenance', target: route.id, before, after: enabled, undo });
  }

  async #purge(call: CareCall): Promise<unknown> {
    const cache = this.#cache();
    const given = (['url', 'prefix', 'tag'] as const).filter((kind) => fieldOf(call.body, kind) !== undefined);
    const value = given.length === 1 ? fieldOf(call.body, given[0]) : undefined;
    if (typeof value !== 'string' || value === '' || value.length > 8192)
      throw new VitrineError('bad_request', 'A purge needs one of "url", "prefix" and "tag", as text.');
    const { id, purged = null } = await cache.purge({ [given[0]]: value } as unknown as PurgeTarget);
    // A store that several processes share cannot undo a purge; the next requests fill the cache again.
    const undo = id === undefined ? null : { method: 'POST' as const, path: '/api/cache/unpurge', body: { id } };
    const change = { who: call.who, action: 'purge' as const, target: `${given[0]} ${value}`, before: null };
    return { purged, ...this.#changed({ ...change, after: purged, undo }) };
  }

  #unpurge(call: CareCall): unknown {
    const id = fieldOf(call.body, 'id');
    const restored = typeof id === 'string' ? this.#cache().undo(id) : undefined;
    if (restored === undefined) {
      throw new VitrineError('not_found', 'There is no purge of that id to take back.', {
        hint: 'A purge can be taken back for ten minutes.',
      });
    }
    const change = { who: call.who, action: 'unpurge' as const, target: String(id), before: null };
    return { restored, ...this.#changed({ ...change, after: restored, undo: null }) };
  }
}

const unknownCall = ({ method, path }: CareCall): VitrineError =>
  new VitrineError('not_found', `There is no ${method} ${path}.`);

/** One segment of a path without any encoding: `127.0.0.1:3001` is `127.0.0.1-3001`. */
const idOf = (name: string): string => name.replace(/[^\w.~-]+/g, '-');
const isNamed = (name: string, id: string): boolean => name === id || idOf(name) === id;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new VitrineError('bad_request', 'The path is not encoded as UTF-8.');
  }
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

/**
 * Histograms that are bound to attributes once per combination and kept: making attributes, or even the text of a key, for
 * each record would be a large part of the cost of measuring. Bounded: above the limit, a combination is bound for one use.
 */
import type { Attributes } from '@opentelemetry/api';
import type { BoundHistogram, BoundRecord } from '../../../telemetry/metrics/cells.ts';
import { PHASES } from './phase-times.ts';

const LIMIT = 4096;

export function statusAttributes(status: number | undefined, errorType: string | undefined): Attributes {
  return {
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(errorType === undefined ? {} : { 'error.type': errorType }),
  };
}

/** Attributes of a request's duration. */
export const serverLabels = (
  method: string,
  route: string,
  http11: boolean,
  status: number | undefined,
  errorType: string | undefined,
): Attributes => ({
  'http.request.method': method,
  'url.scheme': 'http',
  'http.route': route,
  'network.protocol.version': http11 ? '1.1' : '1.0',
  ...statusAttributes(status, errorType),
});

/** The records of one route and method: the server's duration by status, and one duration per phase. */
export interface RouteLabels {
  readonly spanName: string;
  readonly plain: Map<number, BoundRecord>;
  readonly other: Map<string, BoundRecord>;
  readonly phases: readonly BoundRecord[];
}

export class LabelSets {
  readonly #routes = new Map<string, Map<string, RouteLabels>>();
  readonly #server: BoundHistogram;
  readonly #phases: BoundHistogram;
  #size = 0;

  constructor(server: BoundHistogram, phases: BoundHistogram) {
    this.#server = server;
    this.#phases = phases;
  }

  /** `method` is a known one or `_OTHER`. */
  of(method: string, route: string): RouteLabels {
    let methods = this.#routes.get(route);
    if (methods === undefined) {
      methods = new Map();
      if (this.#size < LIMIT) this.#routes.set(route, methods);
    }
    let labels = methods.get(method);
    if (labels === undefined) {
      const phases = PHASES.map((phase) =>
        this.#phases.bind({ 'vitrine.phase': phase, 'http.route': route, 'http.request.method': method }),
      );
      const spanName = `${method === '_OTHER' ? 'HTTP' : method} ${route}`;
      labels = { spanName, plain: new Map(), other: new Map(), phases };
      this.#size += 1;
      methods.set(method, labels);
    }
    return labels;
  }

  /** `http.server.request.duration` of one outcome. `errorType`: the value of `error.type`, or undefined. */
  server(
    method: string,
    route: string,
    http11: boolean,
    status: number | undefined,
    errorType: string | undefined,
  ): BoundRecord {
    const labels = this.of(method, route);
    const usual = http11 && errorType === undefined && status !== undefined;
    const key = usual ? '' : `${http11 ? 1 : 0}${status}${errorType}`;
    const known = usual ? labels.plain.get(status) : labels.other.get(key);
    if (known !== undefined) return known;
    const made = this.#server.bind(serverLabels(method, route, http11, status, errorType));
    if (this.#size >= LIMIT) return made;
    this.#size += 1;
    if (usual) labels.plain.set(status, made);
    else labels.other.set(key, made);
    return made;
  }
}

/** A count and its attributes. */
export interface AttemptCell {
  readonly duration: BoundRecord;
  readonly count: Attributes;
  value: number;
}

/** Attempts at one upstream, by method and outcome. There are few methods and outcomes, so the number is bounded. */
export class AttemptLabels {
  readonly #name: string;
  readonly #host: string;
  readonly #port: number;
  readonly #plain = new Map<string, Map<number, AttemptCell>>();
  readonly #failed = new Map<string, AttemptCell>();

  readonly #durations: BoundHistogram;

  constructor(name: string, host: string, port: number, durations: BoundHistogram) {
    this.#durations = durations;
    this.#name = name;
    this.#host = host;
    this.#port = port;
  }

  /** `error`: there was no valid answer, or it was cut short. */
  of(method: string, status: number | undefined, error: string | undefined): AttemptCell {
    if (error !== undefined || status === undefined) {
      const key = `${method} ${status} ${error}`;
      const known = this.#failed.get(key);
      if (known !== undefined) return known;
      const made = this.#make(method, status, error);
      this.#failed.set(key, made);
      return made;
    }
    let byStatus = this.#plain.get(method);
    if (byStatus === undefined) this.#plain.set(method, (byStatus = new Map()));
    let cell = byStatus.get(status);
    if (cell === undefined) byStatus.set(status, (cell = this.#make(method, status, undefined)));
    return cell;
  }

  #make(method: string, status: number | undefined, error: string | undefined): AttemptCell {
    const errorType = error ?? (status !== undefined && status >= 400 ? String(status) : undefined);
    return {
      duration: this.#durations.bind({
        'http.request.method': method,
        'server.address': this.#host,
        'server.port': this.#port,
        ...statusAttributes(status, errorType),
      }),
      count: { 'vitrine.upstream': this.#name, ...statusAttributes(status, error) },
      value: 0,
    };
  }

  *cells(): IterableIterator<AttemptCell> {
    yield* this.#failed.values();
    for (const byStatus of this.#plain.values()) yield* byStatus.values();
  }
}

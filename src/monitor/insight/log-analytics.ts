/**
 * Figures of S3.1 over the lines that a filter selects: response time by service and endpoint, requests per user, the trend of the
 * error ratio, and the most active services. A line is a request when it has a duration or a status. Users are counted by
 * sketches: the most frequent by space-saving, their number by HyperLogLog; no series per user exists.
 */
import { attributeText } from '../../model/attribute-text.ts';
import type { Clock } from '../../base/clock.ts';
import type { RecordBatch, RecordSource } from '../../model/record-source.ts';
import type { AttributeValue } from '../../model/records.ts';
import { rowMs, valueAt } from '../search/counts.ts';
import { readAs } from '../search/literals.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from '../search/scan.ts';
import { DistinctCount } from '../search/sketches/distinct-count.ts';
import { HeavyHitters, type Hitter } from '../search/sketches/heavy-hitters.ts';

export interface EndpointFigures {
  readonly service: string;
  readonly endpoint: string;
  readonly requests: number;
  readonly errors: number;
  readonly meanMs: number | undefined;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface LogAnalytics extends ScanOutcome {
  /** Endpoints beyond the limit are counted together in `(other)`. */
  readonly endpoints: readonly EndpointFigures[];
  readonly users: { readonly distinct: number; readonly exact: boolean; readonly top: readonly Hitter[] };
  /** Oldest first. */
  readonly trend: readonly { readonly timeMs: number; readonly lines: number; readonly errors: number }[];
  readonly services: readonly { readonly service: string; readonly lines: number; readonly errors: number }[];
}

const MAX_ENDPOINTS = 500;
const MAX_USERS = 10_000;
const MAX_TIMES = 4_096;
const ERROR = 17;

class Endpoint {
  readonly service: string;
  readonly endpoint: string;
  requests = 0;
  errors = 0;
  #sum = 0;
  #timed = 0;
  #times: number[] = [];
  #every = 1;

  constructor(service: string, endpoint: string) {
    this.service = service;
    this.endpoint = endpoint;
  }

  /** Percentiles are exact up to 4,096 durations, then of every n-th. */
  time(ms: number): void {
    if (this.#timed % this.#every === 0) this.#times.push(ms);
    this.#timed += 1;
    this.#sum += ms;
    if (this.#times.length <= MAX_TIMES) return;
    this.#times = this.#times.filter((_, at) => at % 2 === 0);
    this.#every *= 2;
  }

  get figures(): EndpointFigures {
    const sorted = this.#times.toSorted((a, b) => a - b);
    const at = (share: number): number | undefined =>
      sorted.length === 0 ? undefined : sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    const { service, endpoint, requests, errors } = this;
    const meanMs = this.#timed === 0 ? undefined : this.#sum / this.#timed;
    return { service, endpoint, requests, errors, meanMs, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
  }
}

export async function logAnalytics(
  source: RecordSource,
  request: ScanRequest<'logs'>,
  stepMs: number,
  clock: Clock,
): Promise<LogAnalytics> {
  const totals = new Totals(stepMs, request.filter.nowMs);
  const outcome = await scanMatches(source, request, clock, (batch, rows) =>
    rows.length > 0 ? totals.take(batch, rows) : undefined,
  );
  return { ...outcome, ...totals.figures };
}

/** A line is counted within some 10 µs. */
const LINES_A_STEP = 128;
/** Columns of a batch from which the figures are made. */
const FIELDS = ['level', 'duration', 'status', 'route', 'path', 'user'] as const;
type Row = Readonly<Record<(typeof FIELDS)[number], AttributeValue | undefined>>;

class Totals {
  readonly #stepMs: number;
  readonly #nowMs: number;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #top = new HeavyHitters(MAX_USERS);
  readonly #distinct = new DistinctCount();
  readonly #trend = new Map<number, Tally>();
  readonly #services = new Map<string, Tally>();

  constructor(stepMs: number, nowMs: number) {
    this.#stepMs = stepMs;
    this.#nowMs = nowMs;
  }

  *take(batch: RecordBatch<'logs'>, rows: Uint32Array): Generator<undefined, void> {
    const columns = FIELDS.map((name) => batch.column(name));
    const total = tallyOf(this.#services, batch.service);
    for (const [at, row] of rows.entries()) {
      if (at % LINES_A_STEP === 0) yield;
      const values = Object.fromEntries(FIELDS.map((name, at) => [name, valueAt(columns[at], row)])) as Row;
      const failed = hasFailed(values);
      const slot = tallyOf(this.#trend, Math.floor(rowMs(batch, row) / this.#stepMs) * this.#stepMs);
      for (const tally of [total, slot]) {
        tally.lines += 1;
        if (failed) tally.errors += 1;
      }
      this.#request(batch.service, values, failed);
    }
  }

  #request(service: string, { duration, status, route, path, user }: Row, failed: boolean): void {
    const ms = duration === undefined ? undefined : readAs('duration', duration, 'duration', this.#nowMs);
    if (ms === undefined && status === undefined) return;
    const place = attributeText(route ?? path ?? '').split('?', 1)[0];
    const endpoint = endpointOf(this.#endpoints, service, place);
    endpoint.requests += 1;
    if (failed) endpoint.errors += 1;
    if (ms !== undefined) endpoint.time(Number(ms));
    if (user === undefined || user === null) return;
    this.#top.add(attributeText(user));
    this.#distinct.add(attributeText(user));
  }

  get figures(): Omit<LogAnalytics, keyof ScanOutcome> {
    const active = [...this.#services].map(([service, tally]) => ({ service, ...tally }));
    return {
      endpoints: [...this.#endpoints.values()].map(({ figures }) => figures).sort((a, b) => b.requests - a.requests),
      users: { distinct: this.#distinct.count, exact: this.#distinct.exact, top: this.#top.top(20) },
      trend: [...this.#trend].map(([timeMs, tally]) => ({ timeMs, ...tally })).sort((a, b) => a.timeMs - b.timeMs),
      services: active.sort((a, b) => b.lines - a.lines || (a.service < b.service ? -1 : 1)),
    };
  }
}

const hasFailed = ({ level, status }: Row): boolean =>
  (typeof level === 'number' && level >= ERROR) || Number(status ?? Number.NaN) >= 500;

interface Tally {
  lines: number;
  errors: number;
}

function tallyOf<K>(tallies: Map<K, Tally>, key: K): Tally {
  let tally = tallies.get(key);
  if (tally === undefined) tallies.set(key, (tally = { lines: 0, errors: 0 }));
  return tally;
}

function endpointOf(endpoints: Map<string, Endpoint>, service: string, place: string): Endpoint {
  const name = place === '' ? '(unknown)' : place;
  const known = endpoints.get(`${service}\n${name}`);
  if (known !== undefined) return known;
  const kept = endpoints.size < MAX_ENDPOINTS ? name : '(other)';
  const key = `${service}\n${kept}`;
  const endpoint = endpoints.get(key) ?? new Endpoint(service, kept);
  endpoints.set(key, endpoint);
  return endpoint;
}

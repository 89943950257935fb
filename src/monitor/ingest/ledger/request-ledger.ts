/**
 * The request ledger: one row of every server span of the balancer. The row is written with the span. The application's own
 * server span comes up to some seconds later and knows the route (and the user) better than the balancer, which guesses from
 * the path: it completes the row in place while the row is in memory. Spans that wait for each other are bounded; a row that
 * was not completed in time keeps the balancer's route.
 */
import { RecentMap } from '../../../base/bounded.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Attributes, SpanRecord } from '../../../model/records.ts';
import { serviceOf } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { supportCode } from '../../../model/text/support-code.ts';
import type { RouteLesson } from '../../../model/learned-route.ts';
import type { AppendResult } from '../../../model/ports.ts';
import { RouteLessons } from './route-lessons.ts';

/** The instrumentation scope of the balancer's spans. */
const BALANCER = 'vitrine-balancer';
/** Requests, tries and early spans that are remembered at least: three seconds of 1,600 requests a second. */
const REMEMBERED = 5_000;
const TEXT_MAX = 2_048;

type Draft = { -readonly [K in keyof RequestRow]: RequestRow[K] };

/** What the application's span says about a request. */
interface Details {
  readonly route: string;
  readonly user: string;
}

export interface RequestLedgerOptions {
  readonly append: (rows: readonly RequestRow[]) => Promise<AppendResult>;
  /** Attribute of the application's span that names the user; '' when there is none. */
  readonly userAttribute: string;
  /** Gets routes of the application that the balancer named differently. */
  readonly onRoutes?: ((lessons: readonly RouteLesson[]) => void) | undefined;
}

export class RequestLedger {
  readonly #options: RequestLedgerOptions;
  /** By support code: among so few, two equal ones do not occur. */
  readonly #rows = new RecentMap<string, Draft>(REMEMBERED);
  /** Of each try's span, the key of its request. */
  readonly #tries = new RecentMap<string, string>(REMEMBERED);
  /** Details of requests whose row has not come yet, by the row's key; or whose try has not come, by the try's span. */
  readonly #early = new RecentMap<string, Details>(REMEMBERED);
  readonly #lessons = new RouteLessons();

  constructor(options: RequestLedgerOptions) {
    this.#options = options;
  }

  /** Writes the rows of the balancer's spans. Rejects when they cannot be kept. */
  async take(spans: readonly SpanRecord[]): Promise<void> {
    const rows: RequestRow[] = [];
    for (const span of spans) {
      if (isBalancers(span) && span.kind === 'server') rows.push(this.#rowOf(span));
      else this.#note(span);
    }
    const lessons = this.#lessons.take();
    if (lessons.length > 0) this.#options.onRoutes?.(lessons);
    if (rows.length === 0) return;
    const { rejected } = await this.#options.append(rows);
    if (rejected.length > 0) throw new VitrineError('overloaded', rejected[0].message);
  }

  /** Takes rows and spans that were in memory before a restart. */
  recover(rows: Iterable<RequestRow>, spans: Iterable<SpanRecord>): void {
    for (const row of rows) this.#rows.set(row.code, row);
    for (const span of spans) if (!(isBalancers(span) && span.kind === 'server')) this.#note(span);
  }

  #rowOf(span: SpanRecord): RequestRow {
    const row: Draft = rowOf(span);
    const key = row.code;
    this.#rows.set(key, row);
    const early = this.#early.get(key);
    if (early !== undefined) this.#completeRow(row, early);
    return row;
  }

  #note(span: SpanRecord): void {
    if (isBalancers(span)) {
      if (span.kind !== 'client') return;
      const key = supportCode(span.parentSpanId);
      this.#tries.set(span.spanId, key);
      const early = this.#early.get(span.spanId);
      if (early !== undefined) this.#complete(key, early);
    } else if (span.kind === 'server') {
      const details = this.#detailsOf(span.attributes);
      if (details.route === '' && details.user === '') return;
      const key = this.#tries.get(span.parentSpanId);
      if (key === undefined) this.#early.set(span.parentSpanId, details);
      else this.#complete(key, details);
    }
  }

  #complete(key: string, details: Details): void {
    const row = this.#rows.get(key);
    if (row === undefined) this.#early.set(key, details);
    else this.#completeRow(row, details);
  }

  #completeRow(row: Draft, { route, user }: Details): void {
    if (route !== '') {
      this.#lessons.note(row, route);
      row.route = route;
    }
    if (user !== '') row.user = user;
  }

  /** Routes of the application that were not passed to the balancer because there are too many. */
  get refusedRoutes(): number {
    return this.#lessons.refused;
  }

  #detailsOf(attributes: Attributes): Details {
    const { userAttribute } = this.#options;
    return {
      route: textOf(attributes, 'http.route'),
      user: userAttribute === '' ? '' : textOf(attributes, userAttribute),
    };
  }
}

const isBalancers = ({ scope }: SpanRecord): boolean => scope.name === BALANCER;

function rowOf({ attributes, resource, startUnixNano, endUnixNano, traceId, spanId }: SpanRecord): Draft {
  const requestId = textOf(attributes, 'request_id');
  return {
    // Microseconds are the resolution of the measurement.
    startUnixNano: (startUnixNano / 1_000n) * 1_000n,
    durationMs: numberOf(attributes, 'vitrine.duration') ?? Number((endUnixNano - startUnixNano) / 1_000n) / 1_000,
    service: serviceOf(resource),
    instance: textOf(resource.attributes, 'service.instance.id'),
    version: textOf(resource.attributes, 'service.version'),
    route: textOf(attributes, 'http.route'),
    method: textOf(attributes, 'http.request.method'),
    path: textOf(attributes, 'url.path'),
    status: numberOf(attributes, 'http.response.status_code') ?? 0,
    reason: textOf(attributes, 'error.type'),
    upstream: textOf(attributes, 'vitrine.upstream'),
    tries: numberOf(attributes, 'vitrine.tries') ?? 0,
    cache: textOf(attributes, 'vitrine.cache.result'),
    phases: {
      queue: numberOf(attributes, 'vitrine.phase.queue'),
      cache: numberOf(attributes, 'vitrine.phase.cache'),
      connect: numberOf(attributes, 'vitrine.phase.connect'),
      upstream: numberOf(attributes, 'vitrine.phase.upstream'),
      transfer: numberOf(attributes, 'vitrine.phase.transfer'),
    },
    requestBytes: numberOf(attributes, 'http.request.body.size'),
    responseBytes: numberOf(attributes, 'http.response.body.size'),
    traceId,
    code: supportCode(spanId),
    requestId: requestId === traceId ? '' : requestId,
    user: '',
    synthetic: textOf(attributes, 'user_agent.synthetic.type') !== '',
  };
}

/** Attributes come from requests: texts are cut, and other types are taken as absent. */
function textOf(attributes: Attributes, name: string): string {
  const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
  if (typeof value === 'string') return value.slice(0, TEXT_MAX).toWellFormed();
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}

function numberOf(attributes: Attributes, name: string): number | undefined {
  const value = Object.hasOwn(attributes, name) ? Number(attributes[name]) : undefined;
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

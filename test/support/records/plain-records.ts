/** Lines and spans with the usual values, of which a test names the few that it is about. */
import type { AttributeValue, Attributes, LogRecord, SpanRecord } from '../../../src/model/records.ts';
import type { RequestRow } from '../../../src/model/request-row.ts';

const SCOPE = { name: '', version: '' };
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

export interface LineParts {
  readonly timeMs: number;
  readonly body?: AttributeValue;
  readonly service?: string;
  readonly version?: string;
  readonly severity?: number;
  readonly attributes?: Attributes;
  readonly traceId?: string;
  readonly spanId?: string;
}

export function lineOf(parts: LineParts): LogRecord {
  const timeUnixNano = BigInt(Math.round(parts.timeMs * 1e3)) * 1_000n;
  return {
    timeUnixNano,
    observedUnixNano: timeUnixNano,
    severityNumber: parts.severity ?? 9,
    severityText: '',
    body: parts.body ?? 'message',
    attributes: parts.attributes ?? {},
    traceId: parts.traceId ?? '',
    spanId: parts.spanId ?? '',
    resource: resourceOf(parts.service, parts.version),
    scope: SCOPE,
  };
}

function resourceOf(service = 'shop', version?: string): { readonly attributes: Attributes } {
  return { attributes: { 'service.name': service, ...(version === undefined ? {} : { 'service.version': version }) } };
}

export interface SpanParts {
  readonly trace: number;
  readonly span: number;
  /** 0 for a root. */
  readonly parent?: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly name?: string;
  readonly service?: string;
  readonly version?: string;
  readonly kind?: SpanRecord['kind'];
  readonly error?: boolean;
  readonly attributes?: Attributes;
  readonly events?: SpanRecord['events'];
}

export function spanOf(parts: SpanParts): SpanRecord {
  const startUnixNano = BigInt(Math.round(parts.startMs * 1e3)) * 1_000n;
  return {
    traceId: hex(parts.trace, 32),
    spanId: hex(parts.span, 16),
    parentSpanId: parts.parent === undefined || parts.parent === 0 ? '' : hex(parts.parent, 16),
    name: parts.name ?? 'span',
    kind: parts.kind ?? 'internal',
    startUnixNano,
    endUnixNano: startUnixNano + BigInt(Math.round(parts.durationMs * 1e6)),
    status: parts.error === true ? 'error' : 'unset',
    statusMessage: '',
    attributes: parts.attributes ?? {},
    events: parts.events ?? [],
    links: [],
    resource: resourceOf(parts.service, parts.version),
    scope: SCOPE,
  };
}

/** The `at`-th of a run of requests: every tenth fails, every fourth is of `/pay`, over three upstreams. */
export function rowOf(at: number, startMs: number, given: Partial<RequestRow> = {}): RequestRow {
  const failed = at % 10 === 0;
  return {
    startUnixNano: BigInt(startMs) * 1_000_000n,
    durationMs: at,
    service: 'vitrine-balancer',
    instance: 'h:1',
    version: '1',
    route: at % 4 === 0 ? '/pay' : '/list',
    method: 'GET',
    path: `/x/${at}`,
    status: failed ? 502 : 200,
    reason: failed ? 'bad_gateway' : '',
    upstream: `up-${at % 3}`,
    tries: 1,
    cache: '',
    phases: { queue: 1, cache: undefined, connect: undefined, upstream: at, transfer: undefined },
    requestBytes: undefined,
    responseBytes: 100,
    traceId: hex(at + 1, 32),
    code: `C0DE${String(at).padStart(4, '0')}`,
    requestId: at === 7 ? 'client-id-0007' : '',
    user: '',
    synthetic: false,
    ...given,
  };
}

/** Random records for property tests: usual ones and hostile ones. */
import * as fc from 'fast-check';
import type { Attributes, AttributeValue, LogRecord, Resource, SpanRecord } from '../../../src/model/records.ts';
import type { RequestRow } from '../../../src/model/request-row.ts';

const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: length, maxLength: length });

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'http.route', 'req', 'req.url', 'user.id', '__proto__', 'constructor') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
);

const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.constantFrom('', 'card declined', 'ok', 200, 404, true, false, null),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 40 }),
  hex(16),
  fc.uuid(),
  fc.double(),
  fc.integer(),
  fc.double({ min: 0, max: 1e4 }).map((value) => Math.round(value * 1000) / 1000),
  fc.bigInt(),
  fc.constantFrom(-0, Number.NaN, Infinity, 5e-324, 2 ** 53, -(2 ** 53), 1e300),
);

const mapOf = (entries: readonly (readonly [string, AttributeValue])[]): Attributes => {
  const map = Object.create(null) as Record<string, AttributeValue>;
  for (const [name, value] of entries) map[name] = value;
  return map;
};

const value: fc.Arbitrary<AttributeValue> = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 8, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.array(fc.tuple(names, tie('value')), { maxLength: 3 }).map(mapOf) },
  ),
})).value;

const attributes = fc.array(fc.tuple(names, value), { maxLength: 6 }).map(mapOf);
const resource: fc.Arbitrary<Resource> = fc
  .tuple(fc.constantFrom('shop', 'payments', 'unknown_service'), fc.constantFrom('1.0', '1.1'))
  .map(([service, version]) => ({
    attributes: mapOf([
      ['service.name', service],
      ['service.version', version],
    ]),
  }));
const scope = fc.constantFrom({ name: '', version: '' }, { name: 'http', version: '1' });

/** Mostly of some minutes, some at any time. */
export function timesFrom(startMs: number): fc.Arbitrary<bigint> {
  const start = BigInt(startMs) * 1_000_000n;
  return fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 300_000 }).map((ms) => start + BigInt(ms) * 1_000_000n) },
    { weight: 4, arbitrary: fc.bigInt({ min: 0n, max: 300_000_000_000n }).map((nanos) => start + nanos) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: start }) },
  );
}

const sometimes = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> => fc.oneof(fc.constant(''), arbitrary);

export function lines(startMs: number): fc.Arbitrary<LogRecord> {
  return fc.record({
    timeUnixNano: fc.oneof({ weight: 9, arbitrary: timesFrom(startMs) }, { weight: 1, arbitrary: fc.constant(0n) }),
    observedUnixNano: timesFrom(startMs),
    severityNumber: fc.nat(24),
    severityText: fc.constantFrom('', 'info', 'ERROR'),
    body: value,
    attributes,
    traceId: sometimes(hex(32)),
    spanId: sometimes(hex(16)),
    resource,
    scope,
  });
}

/** Few span ids, so that parents are often among the spans. */
const spanIds = fc.oneof(
  fc.nat(40).map((id) => id.toString(16).padStart(16, '0')),
  hex(16),
);

export function spans(startMs: number): fc.Arbitrary<SpanRecord> {
  return fc
    .record({
      traceId: hex(32),
      spanId: spanIds,
      parentSpanId: sometimes(spanIds),
      name: fc.oneof(fc.constantFrom('GET /a', 'SELECT'), fc.string({ unit: 'binary' })),
      kind: fc.constantFrom('internal' as const, 'server' as const, 'client' as const, 'producer' as const),
      startUnixNano: timesFrom(startMs),
      took: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.constantFrom(0n, -5n, 10n ** 18n)),
      status: fc.constantFrom('unset' as const, 'ok' as const, 'error' as const),
      statusMessage: fc.constantFrom('', 'timed out'),
      attributes,
      events: fc.array(fc.record({ name: fc.string(), timeUnixNano: timesFrom(startMs), attributes }), {
        maxLength: 2,
      }),
      links: fc.array(fc.record({ traceId: hex(32), spanId: hex(16), attributes }), { maxLength: 1 }),
      resource,
      scope,
    })
    .map(({ took, ...span }) => ({ ...span, endUnixNano: span.startUnixNano + took }));
}

const phase = fc.oneof(
  fc.constant(undefined),
  fc.nat(50_000_000).map((micros) => micros / 1000),
);

export function requests(startMs: number): fc.Arbitrary<RequestRow> {
  return fc.record({
    startUnixNano: timesFrom(startMs),
    durationMs: fc.oneof(
      fc.nat(100_000_000).map((micros) => micros / 1000),
      fc.double({ min: 0, max: 1e6, noNaN: true }).map(Math.abs),
    ),
    service: fc.constantFrom('vitrine-balancer', 'shop'),
    instance: fc.constantFrom('', 'host:8080'),
    version: fc.constantFrom('', '1.0'),
    route: fc.oneof(fc.constantFrom('', '/a', '/b/:id'), fc.string({ unit: 'binary' })),
    method: fc.constantFrom('GET', 'POST', '_OTHER'),
    path: fc.string(),
    status: fc.constantFrom(0, 200, 404, 500),
    reason: fc.constantFrom('', '500', 'timeout'),
    upstream: fc.constantFrom('', '127.0.0.1:1'),
    tries: fc.nat(3),
    cache: fc.constantFrom('', 'hit', 'miss'),
    phases: fc.record({ queue: phase, cache: phase, connect: phase, upstream: phase, transfer: phase }),
    requestBytes: fc.oneof(fc.constant(undefined), fc.nat()),
    responseBytes: fc.oneof(fc.constant(undefined), fc.maxSafeNat()),
    traceId: hex(32),
    code: fc.string({
      unit: fc.constantFrom(...Array.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ')),
      minLength: 8,
      maxLength: 8,
    }),
    requestId: sometimes(fc.uuid()),
    user: sometimes(fc.string()),
    synthetic: fc.boolean(),
  });
}

/** Random lines and spans over the vocabulary of `filters.ts`, and a batch over each. */
import * as fc from 'fast-check';
import type { PlacedRecord } from '../../../src/monitor/store/recent/record-rows.ts';
import type { AttributeValue, Attributes, LogRecord, SpanRecord } from '../../../src/model/records.ts';

export const NOW_MS = Date.UTC(2026, 10, 30, 12);
const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

const message = fc.constantFrom<AttributeValue>(
  'card declined by bank',
  'Card-Declined',
  'postcard declined',
  'request timeout at /api/orders',
  'a "b" or x\\y',
  `trace ${ID} lost`,
  'GRÖßE foo_bar foo 42',
  '',
  null,
);
const value = fc.constantFrom<AttributeValue>(
  'checkout',
  'cart',
  '42',
  '1.50',
  '250ms',
  '2MiB',
  'warn',
  'card declined',
  'de*ed',
  '',
  'fatal',
  'server',
  'x',
  42,
  -1,
  1.5,
  500,
  404,
  0,
  70_000,
  9_007_199_254_740_993n,
  true,
  null,
  '2026-11-30T11:45:00Z',
  1_795_953_000_000,
  '550e8400-e29b-41d4-a716-446655440000',
  ID,
  '/api/orders',
  '/health',
  'get',
  ['x', 'card', 42],
);
const attributes = fc.dictionary(
  fc.constantFrom(
    'user.id',
    'n',
    'size',
    'took_ms',
    'at',
    'tags',
    'odd name',
    'http.route',
    'status',
    'duration',
    'name',
    'kind',
    'http.request.method',
    'url.path',
    'path',
    'service.version',
  ),
  value,
  { maxKeys: 5, noNullPrototype: true },
) as fc.Arbitrary<Attributes>;
const nested = fc.option(fc.record({ method: fc.constantFrom<AttributeValue>('GET', 'post') }), { nil: undefined });
const common = {
  attributes: fc
    .tuple(attributes, nested)
    .map(([flat, req]): Attributes => (req === undefined ? flat : { ...flat, req })),
  resource: fc
    .record({ 'service.name': fc.constantFrom('checkout', 'cart', ''), 'service.version': fc.constantFrom('1.5', '2') })
    .map((found): { attributes: Attributes } => ({ attributes: found })),
  scope: fc.constant({ name: '', version: '' }),
  traceId: fc.constantFrom('', ID),
  spanId: fc.constantFrom('', SPAN),
};
const time = fc.integer({ min: -4 * 3_600_000, max: 0 }).map((ms) => BigInt(NOW_MS + ms) * 1_000_000n);

const line: fc.Arbitrary<LogRecord> = fc.record({
  ...common,
  timeUnixNano: time,
  observedUnixNano: time,
  severityNumber: fc.constantFrom(0, 1, 9, 13, 16, 17, 21),
  severityText: fc.constant(''),
  body: message,
});
const span: fc.Arbitrary<SpanRecord> = fc
  .record({
    ...common,
    parentSpanId: fc.constantFrom('', SPAN),
    name: fc.constantFrom('GET /api/orders', 'card declined', 'SELECT', 'timeout'),
    kind: fc.constantFrom('server' as const, 'client' as const),
    startUnixNano: time,
    durationMs: fc.constantFrom(0, 5, 200, 200.001, 1_500, 60_000),
    status: fc.constantFrom('unset' as const, 'error' as const),
  })
  .map(({ durationMs, ...rest }) => ({
    ...rest,
    endUnixNano: rest.startUnixNano + BigInt(Math.round(durationMs * 1e6)),
    statusMessage: '',
    events: [],
    links: [],
  }));

let sequence = 0;
const place = <S extends 'logs' | 'traces'>(
  record: S extends 'logs' ? LogRecord : SpanRecord,
  timeUnixNano: bigint,
): PlacedRecord<S> => ({ position: { timeUnixNano, sequence: (sequence += 1) }, record }) as PlacedRecord<S>;

export const placedLine = line.map((record) => place<'logs'>(record, record.timeUnixNano));
export const placedSpan = span.map((record) => place<'traces'>(record, record.startUnixNano));

import { expect, it } from 'vitest';
import { ArrayRecords } from '../support/records/array-records.ts';
import { attributeAt, fieldValue } from '../../src/model/record-fields.ts';
import { RECORD_SIGNALS } from '../../src/model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../src/model/records.ts';
import type { RequestRow } from '../../src/model/request-row.ts';

const scope = { name: '', version: '' };
const resource = { attributes: { 'service.name': 'shop', 'service.version': '1.2', region: 'eu' } };
const line: LogRecord = {
  timeUnixNano: 5n,
  observedUnixNano: 5n,
  severityNumber: 17,
  severityText: 'ERROR',
  body: 'card declined',
  attributes: { req: { method: 'GET', 'url.full': { a: 1 } }, region: 'us', __proto__x: 1, status: 0 },
  traceId: '',
  spanId: 'ab',
  resource,
  scope,
};
const span: SpanRecord = {
  traceId: 't',
  spanId: 's',
  parentSpanId: '',
  name: 'GET /a',
  kind: 'server',
  startUnixNano: 1_000_000n,
  endUnixNano: 2_500_000n,
  status: 'error',
  statusMessage: '',
  attributes: { 'http.response.status_code': 500, status: 1 },
  events: [],
  links: [],
  resource: { attributes: {} },
  scope,
};
const row: RequestRow = {
  startUnixNano: 1n,
  durationMs: 1.5,
  service: 'vitrine-balancer',
  instance: '',
  version: '',
  route: '/a',
  method: 'GET',
  path: '/a',
  status: 0,
  reason: 'timeout',
  upstream: '',
  tries: 0,
  cache: 'miss',
  phases: { queue: 0.25, cache: undefined, connect: undefined, upstream: 1, transfer: 0 },
  requestBytes: undefined,
  responseBytes: 7,
  traceId: 'abc',
  code: '01234567',
  requestId: '',
  user: '',
  synthetic: false,
};

it('reads the parts, short names and attributes of a line', () => {
  const value = (field: string): unknown => fieldValue('logs', line, field);
  expect(value('message')).toBe('card declined');
  expect(value('level')).toBe(17);
  expect(value('trace')).toBeUndefined();
  expect(value('span')).toBe('ab');
  expect(value('service')).toBe('shop');
  expect(value('version')).toBe('1.2');
  expect(value('region')).toBe('us');
  expect(value('method')).toBe('GET');
  expect(value('req.url.full.a')).toBe(1);
  expect(value('status')).toBe(0);
  expect(value('toString')).toBeUndefined();
  expect(attributeAt(line.attributes, 'constructor.name')).toBeUndefined();
});

it('tells the status of HTTP from the status of a span', () => {
  expect(fieldValue('traces', span, 'status')).toBe(500);
  expect(fieldValue('traces', span, 'span.status')).toBe('error');
  expect(fieldValue('traces', span, 'duration')).toBe(1.5);
  expect(fieldValue('traces', span, 'parent')).toBeUndefined();
  expect(fieldValue('traces', span, 'service')).toBe('unknown_service');
});

it('reads the fields of a request, and none that it does not have', () => {
  expect(fieldValue('requests', row, 'queue')).toBe(0.25);
  expect(fieldValue('requests', row, 'phase.cache')).toBeUndefined();
  expect(fieldValue('requests', row, 'status')).toBeUndefined();
  expect(fieldValue('requests', row, 'request.id')).toBe('abc');
  expect(fieldValue('requests', row, 'hasOwnProperty')).toBeUndefined();
  expect(RECORD_SIGNALS).toContain('requests');
});

it('gives a stand-in for the store its order, range, cursor and deletion', async () => {
  const records = new ArrayRecords(2);
  const at = (timeUnixNano: bigint): LogRecord => ({ ...line, timeUnixNano });
  records.add('logs', [at(3_000_000n), at(1_000_000n), at(2_000_000n), at(9_000_000n)]);
  const scan = { signal: 'logs', fromMs: 1, toMs: 9, before: { timeUnixNano: 3_000_000n, sequence: 1 } } as const;
  const run = records.scan(scan);
  const seen: bigint[] = [];
  for await (const batch of run) {
    for (let i = batch.end - 1; i >= batch.begin; i -= 1) seen.push(batch.positionOf(i).timeUnixNano);
  }
  expect(seen).toEqual([2_000_000n, 1_000_000n]);
  expect(run.progress.reachedMs).toBe(1);
  expect(await records.erase({ signal: 'logs', fromMs: 0, toMs: 3 }, () => [0], true)).toBe(1);
  expect(await records.erase({ signal: 'logs', fromMs: 0, toMs: 3 }, () => [0], false)).toBe(1);
  expect(records.stats().logs.records).toBe(3);
});

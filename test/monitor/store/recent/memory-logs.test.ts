import { describe, expect, it } from 'vitest';
import type { LogRecord } from '../../../../src/model/records.ts';
import { MEMORY_LOGS_DEFAULTS, MemoryLogs } from '../../../../src/monitor/store/recent/memory-logs.ts';

function record(body: LogRecord['body'], rest: Partial<LogRecord> = {}): LogRecord {
  return {
    timeUnixNano: 0n,
    observedUnixNano: 5_000_000n,
    severityNumber: 9,
    severityText: 'INFO',
    body,
    attributes: {},
    traceId: '',
    spanId: '',
    resource: { attributes: { 'service.name': 'api' } },
    scope: { name: '', version: '' },
    ...rest,
  };
}

describe('logs in memory', () => {
  it('are found newest first by text, level, service, trace, attribute and time', () => {
    const logs = new MemoryLogs(MEMORY_LOGS_DEFAULTS);
    logs.append([
      record('Payment Accepted', { traceId: 't1', timeUnixNano: 1_000_000_000n, attributes: { order: 7 } }),
      record({ message: 'declined' }, { severityNumber: 17, traceId: 't1', timeUnixNano: 2_000_000_000n }),
      record('other', { resource: { attributes: {} }, timeUnixNano: 3_000_000_000n }),
      record('observed only'),
    ]);
    const ask = (query: Partial<Parameters<MemoryLogs['search']>[0]>): unknown[] =>
      logs.search({ limit: 10, ...query }).map(({ body }) => (typeof body === 'string' ? body : 'object'));
    expect(ask({})).toEqual(['observed only', 'other', 'object', 'Payment Accepted']);
    expect(ask({ limit: 2 })).toEqual(['observed only', 'other']);
    expect(ask({ text: 'payment' })).toEqual(['Payment Accepted']);
    expect(ask({ text: 'DECLINED' })).toEqual(['object']);
    expect(ask({ text: '7' })).toEqual(['Payment Accepted']);
    expect(ask({ minSeverity: 17 })).toEqual(['object']);
    expect(ask({ service: 'unknown_service' })).toEqual(['other']);
    expect(ask({ traceId: 't1' })).toEqual(['object', 'Payment Accepted']);
    expect(ask({ traceId: 't2' })).toEqual([]);
    expect(ask({ attribute: { name: 'order', value: '7' } })).toEqual(['Payment Accepted']);
    expect(ask({ attribute: { name: 'constructor', value: '7' } })).toEqual([]);
    expect(ask({ fromMs: 1_500, toMs: 2_500 })).toEqual(['object']);
    expect(ask({ toMs: 5 })).toEqual(['observed only']);
  });

  it('stay within their limits of number and bytes', () => {
    const logs = new MemoryLogs({ maxBytes: 100_000, maxRecords: 50 });
    for (let i = 0; i < 500; i += 1) logs.append([record(`line ${i}`, { traceId: `t${i % 100}` })]);
    expect(logs.stats).toMatchObject({ records: 50, evictedRecords: 450 });
    expect(logs.search({ limit: 100 })).toHaveLength(50);
    expect(logs.search({ limit: 100, traceId: 't99' })).toHaveLength(1);
    expect(logs.search({ limit: 100, traceId: 't0' })).toHaveLength(0);
    for (let i = 0; i < 60; i += 1) logs.append([record('x'.repeat(9_000))]);
    expect(logs.stats.sizeBytes).toBeLessThanOrEqual(100_000);
    expect(logs.stats.records).toBeLessThan(12);
    expect(logs.append([record('y'.repeat(200_000))])).toMatchObject({
      accepted: 0,
      rejected: [{ reason: 'invalid', count: 1 }],
    });
  });
});

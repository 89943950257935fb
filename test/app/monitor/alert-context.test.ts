import { describe, expect, it } from 'vitest';
import { contextFinder } from '../../../src/app/monitor/alert-context.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { LogQuery, TraceQuery, TraceSummary } from '../../../src/model/ports.ts';
import type { LogRecord } from '../../../src/model/records.ts';
import type { StoredAlert } from '../../../src/monitor/alerts/notify/steps/intake.ts';
import { movedClock } from '../../support/moved-clock.ts';

const NOW = 1_800_000_000_000;
const alert = (labels: Record<string, string>): StoredAlert => ({ labels: Labels.from(labels) }) as StoredAlert;
const line = {
  timeUnixNano: BigInt(NOW) * 1_000_000n,
  body: `card declined ${'x'.repeat(900)}`,
  resource: { attributes: { 'service.name': 'checkout' } },
} as unknown as LogRecord;
const trace = {
  traceId: 't1',
  root: { service: 'checkout', name: 'POST /pay' },
  durationMs: 1_200,
} as unknown as TraceSummary;

const finder = (asked: (LogQuery | TraceQuery)[], failed: TraceSummary[], slow: TraceSummary[]) =>
  contextFinder(
    { search: (query) => (asked.push(query), [line]) },
    { find: (query) => (asked.push(query), query.onlyErrors === true ? failed : slow), trace: () => [] },
    'http://v',
    movedClock(NOW),
  );

describe('what a notification knows of its alert', () => {
  it('is the newest error line and a failed trace of the service', async () => {
    const asked: (LogQuery | TraceQuery)[] = [];
    const found = await finder(asked, [{ ...trace, errors: 1 }], [])(alert({ service: 'checkout' }));
    expect(found.errorLine).toMatchObject({ service: 'checkout', atMs: NOW });
    expect(found.errorLine?.text).toHaveLength(500);
    expect(found.trace).toEqual({
      traceId: 't1',
      name: 'POST /pay',
      durationMs: 1_200,
      failed: true,
      link: 'http://v/traces/t1',
    });
    expect(asked[0]).toMatchObject({ service: 'checkout', minSeverity: 17, fromMs: NOW - 300_000 });
  });

  it('is a slow trace when none failed, of the service in job', async () => {
    const found = await finder([], [], [{ ...trace, errors: 0 }])(alert({ job: 'shop/checkout' }));
    expect(found.trace?.failed).toBe(false);
  });

  it('is nothing without a service', async () => {
    expect(await finder([], [], [])(alert({ alertname: 'A' }))).toEqual({});
  });
});

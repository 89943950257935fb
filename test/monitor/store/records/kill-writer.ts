/**
 * Child of the kill test: appends lines, spans and ledger rows for ever and prints each tick that was acknowledged.
 * Arguments: directory, first tick.
 */
import { writeSync } from 'node:fs';
import type { SpanRecord } from '../../../../src/model/records.ts';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import { openRecordStore } from '../../../../src/monitor/store/records/open-record-store.ts';

const [dir, first] = process.argv.slice(2);
const memoryBytes = { logs: 12_000, traces: 12_000, requests: 20_000 };
const store = openRecordStore({ dir, memoryBytes, minFreeBytes: 0 });
const scope = { name: '', version: '' };
const idOf = (tick: number, length: number): string => tick.toString(16).padStart(length, '0');

async function append(tick: number): Promise<void> {
  const service = `service-${tick % 3}`;
  const resource = { attributes: { 'service.name': service } };
  const time = BigInt(Date.now()) * 1_000_000n;
  const traceId = idOf(tick + 1, 32);
  const span: SpanRecord = {
    traceId,
    spanId: idOf(tick + 1, 16),
    parentSpanId: '',
    name: 'tick',
    kind: 'server',
    startUnixNano: time,
    endUnixNano: time + 5n,
    status: tick % 5 === 0 ? 'error' : 'unset',
    statusMessage: '',
    attributes: { tick },
    events: [],
    links: [],
    resource,
    scope,
  };
  const row: RequestRow = {
    startUnixNano: time,
    durationMs: tick,
    service,
    instance: '',
    version: '',
    route: '/tick',
    method: 'GET',
    path: '/tick',
    status: 200,
    reason: '',
    upstream: '',
    tries: 1,
    cache: '',
    phases: { queue: 0, cache: undefined, connect: undefined, upstream: undefined, transfer: undefined },
    requestBytes: 0,
    responseBytes: tick,
    traceId,
    code: '00000000',
    requestId: '',
    user: '',
    synthetic: false,
  };
  const line = {
    timeUnixNano: time,
    observedUnixNano: time,
    severityNumber: 9,
    severityText: 'info',
    body: `tick ${tick}`,
    attributes: { tick },
    traceId,
    spanId: '',
    resource,
    scope,
  };
  const results = await Promise.all([
    store.append('logs', [line]),
    store.append('traces', [span]),
    store.append('requests', [row]),
  ]);
  if (results.some(({ accepted }) => accepted !== 1)) throw new Error(`tick ${tick}: ${JSON.stringify(results)}`);
  writeSync(1, `${tick}\n`);
}

for (let tick = Number(first); ; tick += 2) {
  // Two at once: some commits carry more than one append.
  await Promise.all([append(tick), append(tick + 1)]);
}

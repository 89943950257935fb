/** Opens the store of lines, spans and ledger rows, and joins it with what comes in and with what is asked. */
import { metrics } from '@opentelemetry/api';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Frame } from '../../../model/frame.ts';
import type { RecordingBook } from '../../../model/record-source.ts';
import type { RouteLesson } from '../../../model/learned-route.ts';
import type { AppendResult, LogSink, LogSource, SpanSink, SpanSource } from '../../../model/ports.ts';
import type { SpanRecord } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { observeMetric } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';
import { RequestLedger } from '../../../monitor/ingest/ledger/request-ledger.ts';
import { StoredLogs, StoredSpans } from '../../../monitor/search/stored-sources.ts';
import { openRecordStore, RECORD_STORE_DEFAULTS } from '../../../monitor/store/records/open-record-store.ts';
import type { SignalLimits } from '../../../monitor/store/records/options.ts';
import type { RecordStore } from '../../../monitor/store/records/record-store.ts';
import type { Settings } from '../../process/settings-schema.ts';

/** The share of `store.max_size` that records may take; the rest is for samples. */
const RECORDS_SHARE = 0.7;

export interface Records {
  readonly store: RecordStore;
  readonly logSink: LogSink;
  readonly spanSink: SpanSink;
  readonly logs: LogSource;
  readonly spans: SpanSource;
  /** Gets each row of the ledger that was kept, from then on. */
  onRows(listener: (rows: readonly RequestRow[]) => void): void;
  /** Notes what a frame says about spans that were dropped before it. */
  noteDrops(frame: Frame): void;
}

interface RecordsOptions {
  readonly dataDir: string;
  readonly section: Settings['store'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recordings: RecordingBook;
  readonly onRoutes?: ((lessons: readonly RouteLesson[]) => void) | undefined;
}

/** Throws VitrineError `data_dir_in_use` and `data_dir_unusable`. */
export function openRecords(options: RecordsOptions): Records {
  const { dataDir: dir, section, clock, logger, recordings, onRoutes } = options;
  const store = openRecordStore({
    dir,
    clock,
    logger,
    durability: section.durability,
    memoryBytes: {
      ...RECORD_STORE_DEFAULTS.memoryBytes,
      logs: Math.ceil(section.logs_size / 2),
      traces: Math.ceil(section.spans_size / 8),
    },
    limits: {
      logs: limitsOf(section.logs),
      traces: limitsOf(section.traces),
      requests: limitsOf(section.requests),
    },
    maxSizeBytes: section.max_size * RECORDS_SHARE,
    ordinaryMs: section.traces.ordinary,
    recordings,
    recordingsBytes: section.flight_recorder.max_size,
  });
  const listeners: ((rows: readonly RequestRow[]) => void)[] = [];
  const ledger = new RequestLedger({
    async append(rows) {
      const result = await store.append('requests', rows);
      if (result.rejected.length === 0) for (const listener of listeners) listener(rows);
      return result;
    },
    userAttribute: section.requests.user_attribute ?? '',
    onRoutes,
  });
  observeMetric(metrics.getMeter('vitrine.ingest'), METRICS.routesRefused, (result) => {
    if (ledger.refusedRoutes > 0) result.observe(ledger.refusedRoutes);
  });
  ledger.recover(store.inMemory('requests'), store.inMemory('traces'));
  return {
    store,
    logSink: { append: (records) => store.append('logs', records) },
    spanSink: { append: (spans) => appendSpans(spans, store, ledger) },
    logs: new StoredLogs(store),
    spans: new StoredSpans(store, clock),
    onRows: (listener) => void listeners.push(listener),
    noteDrops({ timeMs, droppedSpans }) {
      // Some of them may be spans of tries: the number of rows is at most this.
      if (droppedSpans > 0) store.noteMissing({ atMs: Math.floor(timeMs), rows: droppedSpans, exact: false });
    },
  };
}

/** Both appends are of one turn, so spans and their rows are kept together or not at all. */
async function appendSpans(
  spans: readonly SpanRecord[],
  store: RecordStore,
  ledger: RequestLedger,
): Promise<AppendResult> {
  const [result] = await Promise.all([store.append('traces', spans), ledger.take(spans)]);
  return result;
}

function limitsOf(section: Settings['store']['logs']): SignalLimits {
  const services: Record<string, { retentionMs?: number; maxSizeBytes?: number }> = {};
  for (const [service, own] of Object.entries(section.services)) {
    services[service] = {
      ...(own.retention === undefined ? {} : { retentionMs: own.retention }),
      ...(own.max_size === undefined ? {} : { maxSizeBytes: own.max_size }),
    };
  }
  return { retentionMs: section.retention, maxSizeBytes: section.max_size, services };
}

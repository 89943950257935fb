/** What Settings shows of this server: the configuration in use, for admins, and what the store holds. */
import type { RecordSource } from '../../model/record-source.ts';
import type { SettingView, SettingsAnswer, StoreAnswer } from './care-contract.ts';
import type { Route } from './routes.ts';

/** Figures of the sample store, and how long each kind of record is kept. */
export interface StoreFacts {
  readonly samples: {
    readonly series: number;
    readonly diskBytes: number;
    readonly memoryBytes: number;
    readonly days: number;
    readonly writable: boolean;
    readonly secondsToFull: number | undefined;
  };
  readonly maxBytes: number;
  readonly keepMs: {
    readonly samples: number;
    readonly logs: number;
    readonly traces: number;
    readonly requests: number;
  };
}

export interface SettingsSource {
  readonly settings: () => readonly SettingView[];
  readonly store: () => StoreFacts;
}

const MAX_SERVICES = 50;

function storeAnswer(source: SettingsSource, records: RecordSource): StoreAnswer {
  const { samples, maxBytes, keepMs } = source.store();
  const stats = records.stats();
  return {
    max_bytes: maxBytes,
    writable: samples.writable,
    seconds_to_full: samples.secondsToFull ?? null,
    samples: {
      series: samples.series,
      disk_bytes: samples.diskBytes,
      memory_bytes: samples.memoryBytes,
      days: samples.days,
      keep_ms: keepMs.samples,
    },
    signals: (['logs', 'traces', 'requests'] as const).map((signal) => {
      const one = stats[signal];
      return {
        signal,
        records: one.records,
        disk_bytes: one.diskBytes,
        memory_bytes: one.memoryBytes,
        oldest_ms: one.oldestMs ?? null,
        lost_records: one.lostRecords,
        keep_ms: keepMs[signal],
        services: one.services
          .toSorted((a, b) => b.bytes - a.bytes)
          .slice(0, MAX_SERVICES)
          .map(({ service, records: count, bytes }) => ({ service, records: count, bytes })),
      };
    }),
  };
}

export function settingsRoutes(source: SettingsSource | undefined, records: RecordSource): Route[] {
  if (source === undefined) return [];
  return [
    {
      method: 'GET',
      path: '/api/config',
      role: 'admin',
      handler: (): SettingsAnswer => ({ settings: source.settings() }),
    },
    { method: 'GET', path: '/api/store', handler: (): StoreAnswer => storeAnswer(source, records) },
  ];
}

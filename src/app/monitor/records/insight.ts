/** Patterns and errors over the records that come in, and their state on disk. */
import path from 'node:path';
import { metrics } from '@opentelemetry/api';
import { every, type Clock } from '../../../base/clock.ts';
import type { Scope } from '../../../base/scope.ts';
import type { LogSink, SpanSink } from '../../../model/ports.ts';
import { ErrorGroups } from '../../../monitor/insight/error-groups.ts';
import { LogPatterns } from '../../../monitor/insight/log-patterns.ts';
import { JsonFile } from '../../../monitor/store/state/json-file.ts';
import { counterOf } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';

export interface InsightOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logs: LogSink;
  readonly spans: SpanSink;
}

export interface Insight {
  readonly patterns: LogPatterns;
  readonly errors: ErrorGroups;
  /** What comes in passes through these. */
  readonly logs: LogSink;
  readonly spans: SpanSink;
  /** Takes over the state of the previous run, and saves it each minute and at the end. */
  begin(scope: Scope, onError: (error: unknown) => void): Promise<void>;
}

const SAVE_MS = 60_000;

export function openInsight({ dataDir, clock, logs, spans }: InsightOptions): Insight {
  const file = (name: string): JsonFile => new JsonFile(path.join(dataDir, name));
  const errors = new ErrorGroups(clock, file('errors.json'));
  const added = counterOf(metrics.getMeter('vitrine.insight'), METRICS.logNewPatterns);
  const patterns = new LogPatterns({
    sink: errors.logSink(logs),
    clock,
    file: file('log-patterns.json'),
    onNew: (service, severity) => added.add(1, { service, severity }),
  });
  const save = async (): Promise<void> => {
    await patterns.save();
    await errors.save();
  };
  return {
    patterns,
    errors,
    logs: patterns,
    spans: errors.spanSink(spans),
    async begin(scope, onError) {
      await patterns.restore();
      await errors.restore();
      const stop = every(clock, SAVE_MS, save, onError);
      scope.add('patterns and errors', async () => {
        stop();
        await save();
      });
    },
  };
}

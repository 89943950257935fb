/**
 * The sinks as received data meets them: redaction and limits come before everything that counts, stores or passes on, for all
 * signals and on every road.
 */
import type { IngestCounters } from './counters.ts';
import { LabelRedaction } from './label-redaction.ts';
import { LineLimits } from './line-limits.ts';
import type { Redaction } from './redaction.ts';
import { SpanLimits } from './span-limits.ts';
import type { LogSink, SampleSink, SpanSink } from '../../../model/ports.ts';

export interface Sinks {
  readonly samples: SampleSink;
  readonly spans: SpanSink;
  readonly logs: LogSink;
}

export function guardedSinks({ samples, spans, logs }: Sinks, redaction: Redaction, counters: IngestCounters): Sinks {
  return {
    samples: redaction.isEmpty ? samples : new LabelRedaction(samples, redaction),
    spans: new SpanLimits({ sink: spans, redaction, onCut: (reason) => counters.cutSpan(reason) }),
    logs: new LineLimits({ sink: logs, redaction, onCut: (reason) => counters.misfit(reason) }),
  };
}

/** Routes that read one trace and list the alerts; `records/` searches the store. */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Alert } from '../../model/alert.ts';
import type { LogSource, SpanSource } from '../../model/ports.ts';
import type { AlertsAnswer, TraceAnswer } from './contract.ts';
import type { Route } from './routes.ts';
import { alertViews, traceAnswer } from './views.ts';

export interface RecordSources {
  readonly spans: SpanSource;
  readonly logs: LogSource;
  readonly alerts: () => readonly Alert[];
  readonly clock: Clock;
}

const MAX_TRACE_LOGS = 1_000;

async function traceById({ spans, logs }: RecordSources, traceId: string): Promise<TraceAnswer> {
  if (!/^[0-9a-f]{1,32}$/.test(traceId)) {
    throw new VitrineError('bad_request', 'A trace id is up to 32 lower-case hexadecimal digits.');
  }
  const [found, lines] = await Promise.all([spans.trace(traceId), logs.search({ traceId, limit: MAX_TRACE_LOGS })]);
  if (found.length === 0) {
    throw new VitrineError('not_found', 'This trace is not here.', {
      hint: 'It may have left the store: failed and slow traces are kept longer than the rest.',
    });
  }
  return traceAnswer(traceId, found, lines);
}

export function recordRoutes(sources: RecordSources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/traces/:id',
      handler: ({ params }) => traceById(sources, params.id),
    },
    {
      method: 'GET',
      path: '/api/alerts',
      handler: (): AlertsAnswer => ({ alerts: alertViews(sources.alerts()) }),
    },
  ];
}

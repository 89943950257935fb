/** The newest error line and the newest failed or slow trace with a span of the service that an alert is about. */
import type { Clock } from '../../base/clock.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { LogSource, SpanSource } from '../../model/ports.ts';
import { serviceOf } from '../../model/records.ts';
import type { AlertContext } from '../../monitor/alerts/notify/notification-data.ts';
import type { StoredAlert } from '../../monitor/alerts/notify/steps/intake.ts';

const WINDOW_MS = 300_000;
/** OpenTelemetry's severity from which a line is an error. */
const ERROR = 17;
const MAX_LINE = 500;

export function contextFinder(
  logs: LogSource,
  spans: SpanSource,
  externalUrl: string,
  clock: Clock,
): (alert: StoredAlert) => Promise<AlertContext> {
  return async ({ labels }) => {
    const service = labels.get('service') || labels.get('service_name') || labels.get('job').split('/').at(-1);
    if (service === undefined || service === '') return {};
    const fromMs = clock.now() - WINDOW_MS;
    const [line] = await logs.search({ service, minSeverity: ERROR, fromMs, limit: 1 });
    const traces = await spans.find({ service, fromMs, onlyErrors: true, limit: 1 });
    const [trace] = traces.length > 0 ? traces : await spans.find({ service, fromMs, minDurationMs: 1_000, limit: 1 });
    return {
      errorLine:
        line === undefined
          ? undefined
          : {
              text: attributeText(line.body).slice(0, MAX_LINE),
              service: serviceOf(line.resource),
              atMs: Number(line.timeUnixNano / 1_000_000n),
              link: `${externalUrl}/logs?q=${encodeURIComponent(`service:${service} level:error`)}`,
            },
      trace:
        trace === undefined
          ? undefined
          : {
              traceId: trace.traceId,
              name: trace.root.name,
              durationMs: trace.durationMs,
              failed: trace.errors > 0,
              link: `${externalUrl}/traces/${trace.traceId}`,
            },
    };
  };
}

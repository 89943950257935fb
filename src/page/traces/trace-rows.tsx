/** Traces as rows: root, services, spans, duration and errors. */
import type { JSX } from 'preact';
import type { TraceSummaryView } from '../../monitor/api/contract.ts';
import { clockTime, millis } from '../state/format.ts';
import { seriesToken } from '../state/series-colour.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';

function Row({ trace, longest }: { trace: TraceSummaryView; longest: number }): JSX.Element {
  return (
    <a class="trace-row" data-row href={`/traces/${trace.traceId}`}>
      <time dateTime={new Date(trace.startMs).toISOString()}>{clockTime(trace.startMs)}</time>
      <span class="root cut">
        <b>
          <Name of={trace.name} most={80} />
        </b>{' '}
        <span class="muted">
          <Name of={trace.service} most={40} />
        </span>
      </span>
      <span class="svcs">
        {trace.services.slice(0, 6).map((service) => (
          <span key={service} class="cut" title={service}>
            <i class="sw" style={{ background: `var(--${seriesToken(service)})` }} />
            {service}
          </span>
        ))}
      </span>
      <span class="num spans">{trace.spans}</span>
      <span class="dur">
        <i
          style={{ width: `${Math.max(1, (trace.durationMs / longest) * 100)}%` }}
          class={trace.errors > 0 ? 'bad' : ''}
        />
        <b>{millis(trace.durationMs)}</b>
      </span>
      <span class="errs">
        {trace.errors > 0 && (
          <span class="word w-crit">
            <StatusIcon status="crit" label="" />
            {trace.errors} {trace.errors === 1 ? 'error' : 'errors'}
          </span>
        )}
        {!trace.whole && <span class="muted">partial</span>}
      </span>
    </a>
  );
}

export function TraceRows({ traces }: { traces: readonly TraceSummaryView[] }): JSX.Element {
  const longest = Math.max(1e-6, ...traces.map(({ durationMs }) => durationMs));
  return (
    <>
      <div class="trace-row head" aria-hidden="true">
        <span>Time</span>
        <span>Root</span>
        <span class="svcs">Services</span>
        <span class="num spans">Spans</span>
        <span>Duration</span>
        <span />
      </div>
      {traces.map((trace) => (
        <Row key={trace.traceId} trace={trace} longest={longest} />
      ))}
    </>
  );
}

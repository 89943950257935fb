/** The slowest traces and the newest warnings of a service within the range. */
import type { JSX } from 'preact';
import type { LogsAnswer, TracesAnswer } from '../../monitor/api/contract.ts';
import { termOf } from '../state/filter-text.ts';
import { useResource } from '../state/api.ts';
import { clockTime, millis } from '../state/format.ts';
import { isMoving, searchTimes } from '../state/range.ts';
import { address } from '../state/router.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

const EVERY_MS = 5_000;
const MOST = '8';
/** Lines from WARN on, by the severity numbers of OpenTelemetry. */
const WARN = 13;
const ERROR = 17;

const refresh = (): number | undefined => (isMoving.value ? EVERY_MS : undefined);

export function TracesCard({ service }: { service: string }): JSX.Element {
  const traces = useResource<TracesAnswer>(
    address('/api/traces', { service, ...searchTimes.value, sort: 'duration', limit: MOST }),
    refresh(),
  );
  return (
    <section class="card c8" aria-label="Slow traces">
      <div class="hd">
        <h2>Slow traces</h2>
        <span class="sub">of the range, slowest first</span>
        <a class="note" href={address('/traces', { q: termOf('service', service), sort: 'duration' })}>
          All traces
        </a>
      </div>
      <Loaded
        of={traces}
        height={160}
        isEmpty={(answer) => answer.traces.length === 0}
        empty={<Empty text="No trace of this service is kept for this range." />}
      >
        {({ traces: found }) => {
          const longest = Math.max(1, ...found.map(({ durationMs }) => durationMs));
          return (
            <ul class="slow">
              {found.map((trace) => (
                <li key={trace.traceId}>
                  <a data-row href={`/traces/${trace.traceId}`}>
                    <time dateTime={new Date(trace.startMs).toISOString()}>{clockTime(trace.startMs)}</time>
                    <span class="cut">
                      <Name of={trace.name} most={60} />
                    </span>
                    <span class="dur">
                      <i
                        style={{ width: `${Math.max(1, (trace.durationMs / longest) * 100)}%` }}
                        class={trace.errors > 0 ? 'bad' : ''}
                      />
                    </span>
                    <b class="num">{millis(trace.durationMs)}</b>
                    <span class="errs">
                      {trace.errors > 0 && (
                        <span class="word w-crit">
                          <StatusIcon status="crit" label="" /> failed
                        </span>
                      )}
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}

export function LinesCard({ service }: { service: string }): JSX.Element {
  const lines = useResource<LogsAnswer>(
    address('/api/logs', { service, ...searchTimes.value, level: 'warn', limit: MOST }),
    refresh(),
  );
  return (
    <section class="card c12" aria-label="Warnings and errors">
      <div class="hd">
        <h2>Warnings and errors</h2>
        <span class="sub">newest log lines</span>
      </div>
      <Loaded
        of={lines}
        height={160}
        isEmpty={({ logs }) => logs.length === 0}
        empty={<Empty text="No line from WARN on in this range." />}
      >
        {({ logs }) => (
          <ul class="lines">
            {logs.map((line, at) => (
              <li
                key={`${line.timeUnixNano} ${at}`}
                class={line.severityNumber >= ERROR ? 'crit' : line.severityNumber >= WARN ? 'warn' : ''}
              >
                <time class="muted" dateTime={new Date(line.timeMs).toISOString()}>
                  {clockTime(line.timeMs)}
                </time>{' '}
                <StatusIcon status={line.severityNumber >= ERROR ? 'crit' : 'warn'} label={line.severity} />{' '}
                {line.traceId === '' ? (
                  <Name of={line.message} mono most={200} />
                ) : (
                  <a href={`/traces/${line.traceId}`}>
                    <Name of={line.message} mono most={200} />
                  </a>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}

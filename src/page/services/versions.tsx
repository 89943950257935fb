/** The versions of a service that run now, and its deploys and restarts in the range. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { marks, useMarksOfRange } from '../charts/data/marks.ts';
import { age, dateTime } from '../state/format.ts';
import type { InstantRow } from '../state/instant.ts';
import { viewNowMs } from '../state/range.ts';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { Figures } from './figures.tsx';

const MOST = 6;

interface Running {
  readonly version: string;
  readonly runtime: string;
  readonly processes: number;
}

export function runningVersions(rows: readonly InstantRow[]): readonly Running[] {
  const found = new Map<string, { version: string; runtime: string; instances: Set<string> }>();
  for (const { labels } of rows) {
    const { service_version: version = '', instance = '' } = labels;
    const runtime = [labels.telemetry_sdk_language, labels.process_runtime_version].filter(Boolean).join(' ');
    const known = found.get(version) ?? { version, runtime, instances: new Set<string>() };
    known.instances.add(instance);
    found.set(version, known);
  }
  return [...found.values()]
    .map(({ version, runtime, instances }) => ({ version, runtime, processes: instances.size }))
    .toSorted((a, b) => b.processes - a.processes);
}

/** Deploys and restarts name the service or one of its processes. */
function Events({ service, instances }: { service: string; instances: ReadonlySet<string> }): JSX.Element | null {
  useEffect(useMarksOfRange, []);
  const own = marks.value
    .filter(
      ({ kind, subject }) =>
        (kind === 'deploy' || kind === 'restart') && (subject === service || instances.has(subject)),
    )
    .toReversed()
    .slice(0, MOST);
  if (own.length === 0) return <p class="callers muted">No deploy and no restart in this range.</p>;
  return (
    <ul class="changes">
      {own.map((mark) => (
        <li key={`${mark.kind} ${mark.timeMs} ${mark.text}`}>
          <time class="muted" dateTime={new Date(mark.timeMs).toISOString()} title={dateTime(mark.timeMs)}>
            {age(Math.max(0, viewNowMs.value - mark.timeMs))} ago
          </time>{' '}
          <span>
            {mark.kind === 'deploy' ? 'Deployed' : 'Restarted'} <Name of={mark.text} most={80} />
          </span>
        </li>
      ))}
    </ul>
  );
}

export function VersionsCard({ service, data }: { service: string; data: Figures | undefined }): JSX.Element {
  const rows = data?.versions ?? [];
  const running = runningVersions(rows);
  const instances = new Set(rows.map(({ labels }) => labels.instance ?? ''));
  return (
    <section class="card c4" aria-label="Versions">
      <div class="hd">
        <h2>Versions</h2>
        <span class="sub">that run now, and deploys</span>
      </div>
      {running.length === 0 ? (
        <Empty text="Its processes do not say their version (service.version)." />
      ) : (
        <table>
          <tbody>
            {running.slice(0, MOST).map(({ version, runtime, processes }) => (
              <tr key={version}>
                <td class="svc">
                  <b>{version === '' ? 'no version' : <Name of={version} most={30} />}</b>{' '}
                  <small>
                    <Name of={runtime} most={30} />
                  </small>
                </td>
                <td class="num">{processes === 1 ? 'one process' : `${processes} processes`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Events service={service} instances={instances} />
    </section>
  );
}

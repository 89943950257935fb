/** The sentence and the six figures of a service. */
import type { JSX } from 'preact';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import type { Figure } from '../state/format.ts';
import { bytes, duration, joined, NONE, percent, rate, uptime } from '../state/format.ts';
import type { InstantRow } from '../state/instant.ts';
import { single } from '../state/instant.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, STATE_STATUS } from '../ui/service-state.tsx';
import type { Tone } from '../ui/service-state.tsx';

export type Figures = Readonly<Record<string, readonly InstantRow[]>>;

interface SentenceProps {
  readonly service: string;
  readonly row: ServiceRow | undefined;
  readonly figures: Figures | undefined;
  readonly before: string;
}

export function Sentence({ service, row, figures, before }: SentenceProps): JSX.Element {
  const now = single(figures?.p95);
  const was = single(figures?.p95Before);
  const slower = now !== null && was !== null && was > 0 && now > was * 1.5 && now - was > 0.005;
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={row === undefined ? 'unknown' : STATE_STATUS[row.state]} />
      <p>
        <b>
          <Name of={service} most={60} />
        </b>{' '}
        {row === undefined && 'has sent nothing for 15 minutes.'}
        {row !== undefined && row.reason === '' && (row.state === 'healthy' ? 'is well.' : 'shows no requests.')}
        {row !== undefined && row.reason !== '' && `needs a look: ${row.reason}.`}
        {slower && ` Its p95 was ${joined(duration(was))} ${before.replace('m', ' min')} ago.`}
      </p>
    </section>
  );
}

interface TileProps {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly tone?: Tone;
  readonly note: string;
}

function Tile({ title, figures, tone = '', note }: TileProps): JSX.Element {
  return (
    <div class="card kpi">
      <h2>
        {title}
        {tone !== '' && <StatusIcon status={tone} />}
      </h2>
      <div class="v">
        {figures.map(({ value, unit }, at) => (
          <span key={at}>
            {value}
            <small>{unit}</small>
          </span>
        ))}
      </div>
      <div class="d">{note}</div>
    </div>
  );
}

function versionNote(rows: readonly InstantRow[]): { readonly version: string; readonly note: string } {
  const versions = new Map<string, number>();
  for (const { labels } of rows) {
    const version = labels.service_version ?? '';
    if (version !== '') versions.set(version, (versions.get(version) ?? 0) + 1);
  }
  const language = rows.find(({ labels }) => labels.telemetry_sdk_language)?.labels.telemetry_sdk_language ?? '';
  const most = [...versions].toSorted((a, b) => b[1] - a[1]).at(0)?.[0] ?? NONE;
  const others = versions.size > 1 ? `and ${versions.size - 1} more at once` : language;
  return {
    version: most,
    note: `${rows.length === 1 ? 'one process' : `${rows.length} processes`}${others && `, ${others}`}`,
  };
}

export function FiguresStrip({ data, before }: { data: Figures; before: string }): JSX.Element {
  const errors = single(data.errors);
  const p95 = single(data.p95);
  const was = single(data.p95Before);
  const busy = single(data.busy);
  const { version, note } = versionNote(data.versions ?? []);
  const ago = `${before.replace('m', ' min')} ago`;
  return (
    <section class="kpis" aria-label="Key figures">
      <Tile title="Rate" figures={[rate(single(data.rate))]} note="over the last minute" />
      <Tile
        title="Errors"
        figures={[percent(errors ?? (single(data.rate) === null ? null : 0))]}
        tone={levelOf(errors, 0.01, 0.05)}
        note="answered 5xx"
      />
      <Tile
        title="Latency p95"
        figures={[duration(p95)]}
        tone={levelOf(p95, 0.2, 1)}
        note={was === null ? `nothing ${ago}` : `${joined(duration(was))} ${ago}`}
      />
      <Tile
        title="Event loop"
        figures={[percent(busy)]}
        tone={levelOf(busy, 0.8, 0.95)}
        note={busy === null ? 'not reported' : `delay p99 ${joined(duration(single(data.loop)))}`}
      />
      <Tile
        title="CPU"
        figures={[percent(single(data.cpu))]}
        note={`of a core · ${joined(bytes(single(data.memory)))}`}
      />
      <Tile
        title="Version"
        figures={[{ value: version.slice(0, 20), unit: '' }]}
        note={`${note}, up ${uptime(single(data.uptime))}`}
      />
    </section>
  );
}

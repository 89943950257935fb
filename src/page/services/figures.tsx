/** The sentence and the six figures of a service. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ChartAnswer, ChartQueryAnswer } from '../../monitor/api/charts/contract.ts';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import { Tile } from '../charts/figures/tile.tsx';
import { useResource } from '../state/api.ts';
import { bytes, duration, joined, NONE, percent, rate, uptime } from '../state/format.ts';
import type { InstantRow } from '../state/instant.ts';
import { single } from '../state/instant.ts';
import { shown } from '../state/range.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { latencyTone, levelOf, STATE_STATUS } from '../ui/service-state.tsx';
import { serviceTiles, sparkQueries, type SparkName } from './service-queries.ts';

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
    <section class="verdict of-service" aria-label="Verdict">
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

const SPARK_POINTS = 60;

type Sparks = Readonly<Partial<Record<SparkName, readonly (number | null)[]>>>;

/** The last value in each of the points; a point without one is a gap. Pure. */
export function sparkValues({ series, count }: Pick<ChartQueryAnswer, 'series' | 'count'>): readonly (number | null)[] {
  const first = series.at(0);
  if (first === undefined) return [];
  const points: (number | null)[] = Array.from({ length: Math.min(SPARK_POINTS, count) }, () => null);
  for (const [at, value] of first.values.entries()) {
    const step = first.at?.[at] ?? at;
    points[Math.min(points.length - 1, Math.floor((step / count) * points.length))] = value;
  }
  return points;
}

/** The lines of all tiles in one question, renewed with each step of the range. */
function useSparks(service: string): Sparks {
  const { fromMs, toMs } = shown.value;
  const queries = sparkQueries(service);
  const names = Object.keys(queries) as SparkName[];
  const asked = new URLSearchParams(names.map((name) => ['expr', queries[name]]));
  for (const [name, value] of [
    ['from', fromMs],
    ['to', toMs],
    ['width', SPARK_POINTS],
  ] as const) {
    asked.set(name, String(value));
  }
  const answer = useResource<ChartAnswer>(`/api/charts?${asked}`);
  return Object.fromEntries((answer.data?.queries ?? []).map((query, at) => [names[at], sparkValues(query)]));
}

interface StripProps {
  readonly service: string;
  readonly row: ServiceRow | undefined;
  readonly data: Figures;
  readonly before: string;
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

export function FiguresStrip({ service, row, data, before }: StripProps): JSX.Element {
  const sparks = useSparks(service);
  const tiles = useMemo(() => serviceTiles(service, before), [service, before]);
  const errors = single(data.errors);
  const p95 = single(data.p95);
  const was = single(data.p95Before);
  const busy = single(data.busy);
  const { version, note } = versionNote(data.versions ?? []);
  const ago = `${before.replace('m', ' min')} ago`;
  return (
    <section class="kpis" aria-label="Key figures">
      <Tile
        id="requests"
        computed={tiles.requests}
        figures={[rate(single(data.rate))]}
        note="over the last minute"
        values={sparks.rate}
      />
      <Tile
        id="errors"
        computed={tiles.errors}
        figures={[percent(errors ?? (single(data.rate) === null ? null : 0))]}
        status={levelOf(errors, 0.01, 0.05)}
        note="answered 5xx"
        values={sparks.errors}
      />
      <Tile
        id="latency"
        computed={tiles.latency}
        figures={[duration(p95)]}
        status={row === undefined ? levelOf(p95, 0.2, 1) : latencyTone(row)}
        values={sparks.p95}
        note={was === null ? `nothing ${ago}` : `${joined(duration(was))} ${ago}`}
      />
      <Tile
        id="loop"
        computed={tiles.loop}
        figures={[percent(busy)]}
        status={levelOf(busy, 0.8, 0.95)}
        values={sparks.busy}
        note={busy === null ? 'not reported' : `delay p99 ${joined(duration(single(data.loop)))}`}
      />
      <Tile
        id="cpu"
        computed={tiles.cpu}
        values={sparks.cpu}
        figures={[percent(single(data.cpu))]}
        note={`of a core · ${joined(bytes(single(data.memory)))}`}
      />
      <Tile
        id="version"
        computed={tiles.version}
        figures={[{ value: version.slice(0, 20), unit: '' }]}
        note={`${note}, up ${uptime(single(data.uptime))}`}
      />
    </section>
  );
}

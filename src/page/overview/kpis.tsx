/** Six key figures, each with its change against 15 minutes ago and a line since then. */
import type { JSX } from 'preact';
import { KPIS } from '../../dashboards/computed.ts';
import type { CurrentFigures, LiveHistory } from '../../monitor/api/contract.ts';
import type { SampleAnswer } from '../../monitor/api/care-contract.ts';
import { bytes, digits, duration, joined, NONE, percent, rate, uptime, uptimeParts } from '../state/format.ts';
import type { Status } from '../ui/status.ts';
import { Tile } from '../charts/figures/tile.tsx';

type Column = readonly (number | null)[];

/** The earlier value: the mean of the first five minutes of the window. null when there was no measurement in that time. */
export function beforeOf(column: Column): number | null {
  const known = column.slice(0, 20).filter((value) => value !== null);
  let sum = 0;
  for (const value of known) sum += value;
  return known.length === 0 ? null : sum / known.length;
}

/** The change in words; a small change is `steady`. */
export function changeOf(
  now: number | null,
  before: number | null,
  write: (size: number) => string,
  least: number,
): string {
  if (now === null || before === null) return '';
  const change = now - before;
  if (Math.abs(change) < least) return 'steady';
  return `${change > 0 ? '▲' : '▼'} ${write(Math.abs(change))}`;
}

const points = (size: number): string => `${digits(size * 100)}\u2009pt`;

function statusOf(value: number | null | undefined, warn: number, crit: number): Status {
  if (value === null || value === undefined || value <= warn) return 'ok';
  return value > crit ? 'crit' : 'warn';
}

function RequestsTile({ current, past }: { current: CurrentFigures; past: LiveHistory }): JSX.Element {
  const { balancer, server } = current;
  const before = beforeOf(past.requestsPerSecond);
  const now = balancer?.requests_per_second ?? null;
  const share = (size: number): string => `${digits((size / (before || 1)) * 100)}\u2009%`;
  return (
    <Tile
      id="requests"
      computed={KPIS.requests}
      figures={[rate(now)]}
      change={changeOf(now, before, share, (before ?? 0) * 0.02)}
      note={server === null ? 'servers –' : `servers ${joined(rate(server.requests_per_second))}`}
      values={past.requestsPerSecond}
    />
  );
}

function LatencyTile({ current, past }: { current: CurrentFigures; past: LiveHistory }): JSX.Element {
  const p95 = current.balancer?.p95_seconds ?? null;
  const write = (size: number): string => joined(duration(size));
  return (
    <Tile
      id="latency"
      computed={KPIS.latency}
      figures={[duration(p95)]}
      status={statusOf(current.balancer?.first_byte_seconds, 0.2, 0.2)}
      change={changeOf(p95, beforeOf(past.p95Seconds), write, 0.003)}
      note={`average ${joined(duration(current.balancer?.average_seconds))}`}
      values={past.p95Seconds}
    />
  );
}

function ErrorsTile({ current, past }: { current: CurrentFigures; past: LiveHistory }): JSX.Element {
  const { balancer } = current;
  const ratio = balancer?.error_ratio ?? null;
  return (
    <Tile
      id="errors"
      computed={KPIS.errors}
      figures={[percent(ratio)]}
      status={statusOf(ratio, 0.01, 0.05)}
      change={changeOf(ratio, beforeOf(past.errorRatio), points, 0.001)}
      note={balancer === null ? 'no traffic' : `${digits(balancer.requests_per_second * (ratio ?? 0))} req/s`}
      values={past.errorRatio}
    />
  );
}

function CacheTile({ current, past }: { current: CurrentFigures; past: LiveHistory }): JSX.Element {
  const { cache } = current;
  const ratio = cache?.hit_ratio ?? null;
  const low = ratio !== null && ratio < 0.5;
  return (
    <Tile
      id="cache"
      computed={KPIS.cache}
      figures={[percent(ratio)]}
      status={low ? 'warn' : 'ok'}
      change={changeOf(ratio, beforeOf(past.hitRatio), points, 0.01)}
      note={
        cache === null
          ? 'no cache'
          : `${digits(Math.round(cache.hits + cache.stale))} hits, ${digits(Math.round(cache.misses))} misses`
      }
      values={past.hitRatio}
    />
  );
}

function UptimeTile({ current }: { current: CurrentFigures }): JSX.Element {
  const { components } = current;
  const oldest = Math.max(0, ...components.map(({ uptime_seconds: seconds }) => seconds));
  const bars = components.slice(0, 6);
  return (
    <Tile
      id="uptime"
      computed={KPIS.uptime}
      figures={components.length === 0 ? [{ value: NONE, unit: '' }] : uptimeParts(oldest)}
      note={components.length === 0 ? 'no component reports' : `${components.length} components up`}
    >
      <svg class="spark bars" viewBox="0 0 72 26" aria-hidden="true">
        {bars.map(({ component }, at) => (
          <rect
            key={component}
            class="f-ok-mark"
            x={72 - (bars.length - at) * 9}
            y="6"
            width="6"
            height="14"
            rx="1.5"
          />
        ))}
      </svg>
      <span class="vh">
        {components.map(({ component, uptime_seconds: seconds }) => `${component} ${uptime(seconds)}`).join(', ')}
      </span>
    </Tile>
  );
}

const NO_HISTORY: LiveHistory = {
  stepMs: 15_000,
  timesMs: [],
  requestsPerSecond: [],
  serverRequestsPerSecond: [],
  averageSeconds: [],
  p95Seconds: [],
  errorRatio: [],
  hitRatio: [],
  cpuCores: [],
};

interface KpisProps {
  readonly current: CurrentFigures;
  readonly past?: LiveHistory | undefined;
  readonly sample?: SampleAnswer | undefined;
}

/** How much of what is shown is sample traffic. */
function sampleWord(sample: SampleAnswer | undefined): string {
  if (sample === undefined || sample.own_last_minute === 0) return '';
  const share = sample.own_last_minute / Math.max(1, sample.all_last_minute);
  return share > 0.99 ? 'sample' : share > 0.5 ? 'mostly sample' : 'partly sample';
}

export function Kpis({ current, past = NO_HISTORY, sample }: KpisProps): JSX.Element {
  const word = sampleWord(sample);
  return (
    <section class={word === '' ? 'kpis' : 'kpis sampled'} aria-label="Key figures">
      {word !== '' && (
        <p class="sample-line">
          <span class="tag-sample">{word}</span> These figures are of traffic that Vitrine sends itself.
        </p>
      )}
      <RequestsTile current={current} past={past} />
      <LatencyTile current={current} past={past} />
      <ErrorsTile current={current} past={past} />
      <CacheTile current={current} past={past} />
      <Tile
        id="cpu"
        computed={KPIS.cpu}
        figures={[percent(current.cpu_cores)]}
        status={statusOf(current.cpu_cores, 0.8, 0.95)}
        change={changeOf(current.cpu_cores, beforeOf(past.cpuCores), points, 0.02)}
        note={current.cpu_cores === null ? 'not reported' : `of a core · ${joined(bytes(current.memory_bytes))}`}
        values={past.cpuCores}
      />
      <UptimeTile current={current} />
    </section>
  );
}

/** One row for each service, worst first; a bad cell has icon, colour and weight, a good one is plain text. */
import type { JSX } from 'preact';
import { SERVICE_HEALTH } from '../../dashboards/computed.ts';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import type { Resource } from '../state/api.ts';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { digits, duration, joined, NONE, percent, uptime } from '../state/format.ts';
import { address } from '../state/router.ts';
import { latencyTone, levelOf, STATE_STATUS, STATE_WORD, Strip, ToneCell } from '../ui/service-state.tsx';
import { Name } from '../ui/name.tsx';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';

function Row({ row }: { row: ServiceRow }): JSX.Element {
  return (
    <tr>
      <td class="svc">
        <a class="cut" href={address('/service', { service: row.service })}>
          <Name of={row.service} most={60} />
        </a>
      </td>
      <td>
        <span class={`word w-${STATE_STATUS[row.state]}`} title={row.reason}>
          <StatusIcon status={STATE_STATUS[row.state]} label="" />
          {STATE_WORD[row.state]}
        </span>
      </td>
      <td>
        <Strip strip={row.strip} />
      </td>
      <td class="num">{row.requests_per_second === null ? NONE : digits(row.requests_per_second)}</td>
      <ToneCell text={joined(percent(row.error_ratio))} tone={levelOf(row.error_ratio, 0.01, 0.05)} />
      <ToneCell text={joined(duration(row.p95_seconds))} tone={latencyTone(row)} />
      <td class="num">{joined(percent(row.cpu_cores))}</td>
      <td class="num">{row.logs_per_minute === null ? NONE : digits(row.logs_per_minute)}</td>
      <td class="num">{uptime(row.uptime_seconds)}</td>
    </tr>
  );
}

/** The most important signal of a service, in a few words. */
function worstSignal(row: ServiceRow): string {
  if ((row.error_ratio ?? 0) >= 0.05) return `errors ${joined(percent(row.error_ratio))}`;
  return row.p95_seconds === null ? NONE : `p95 ${joined(duration(row.p95_seconds))}`;
}

function PhoneRow({ row }: { row: ServiceRow }): JSX.Element {
  return (
    <a class="sv" href={address('/service', { service: row.service })}>
      <StatusIcon status={STATE_STATUS[row.state]} label="" />
      <span class="cut">
        <b>
          <Name of={row.service} most={60} />
        </b>{' '}
        <span class="muted">{STATE_WORD[row.state]}</span>
      </span>
      <span class={`w-${STATE_STATUS[row.state]}`}>{worstSignal(row)}</span>
      <Icon name="right" small />
    </a>
  );
}

function Rows({ rows }: { rows: readonly ServiceRow[] }): JSX.Element {
  return (
    <>
      <table class="wide">
        <thead>
          <tr>
            <th>Service</th>
            <th>State</th>
            <th>15 min</th>
            <th class="num">req/s</th>
            <th class="num">errors</th>
            <th class="num">p95</th>
            <th class="num">CPU</th>
            <th class="num">logs/min</th>
            <th class="num">uptime</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.service} row={row} />
          ))}
        </tbody>
      </table>
      <div class="narrow">
        {rows.map((row) => (
          <PhoneRow key={row.service} row={row} />
        ))}
      </div>
    </>
  );
}

const NOTHING = <Empty text="No service has sent telemetry yet. Point OTEL_EXPORTER_OTLP_ENDPOINT at port 4318." />;

/** The overview shows the worst; the page of services has all. */
const MOST = 12;

export interface ServiceHealthProps {
  readonly services: Resource<ServicesAnswer>;
}

export function ServiceHealth({ services }: ServiceHealthProps): JSX.Element {
  const all = services.data?.services;
  return (
    <section class="card c8 health" aria-label="Service health">
      <div class="hd">
        <h2>Service health</h2>
        <span class="sub">{all ? `${all.length} services, worst first` : ''}</span>
        <span class="note d">last 15 min, one mark a minute</span>
        <a class="note" href="/services">
          All services
        </a>
        <HowComputed of={SERVICE_HEALTH} />
      </div>
      <Loaded of={services} height={180} isEmpty={(answer) => answer.services.length === 0} empty={NOTHING}>
        {(answer) => <Rows rows={answer.services.slice(0, MOST)} />}
      </Loaded>
    </section>
  );
}

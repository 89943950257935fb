/** One row for each service, worst first; a bad cell has icon, colour and weight, a good one is plain text. */
import type { JSX } from 'preact';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import type { Resource } from '../state/api.ts';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { digits, duration, joined, NONE, percent, uptime } from '../state/format.ts';
import { address } from '../state/router.ts';
import type { Status } from '../ui/status.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';

const STATUS: Readonly<Record<ServiceRow['state'], Status>> = {
  healthy: 'ok',
  degraded: 'warn',
  unhealthy: 'crit',
  no_data: 'unknown',
};
const WORD: Readonly<Record<ServiceRow['state'], string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unhealthy: 'Failing',
  no_data: 'No data',
};
const MARKS: Readonly<Record<ServiceRow['state'], [y: number, className: string]>> = {
  healthy: [4, 'f-ok-mark pale'],
  degraded: [2, 'f-warn-mark'],
  unhealthy: [0, 'f-crit-mark'],
  no_data: [9, 'f-line-strong'],
};

function Strip({ strip }: { strip: ServiceRow['strip'] }): JSX.Element {
  const bad = strip.filter((state) => state === 'unhealthy' || state === 'degraded').length;
  return (
    <svg class="strip" viewBox="0 0 104 12" role="img" aria-label={`${bad} of ${strip.length} minutes with trouble`}>
      {strip.map((state, at) => {
        const [y, className] = MARKS[state];
        return <rect key={at} class={className} x={at * 7} y={y} width="5" height={12 - y} rx="1.2" />;
      })}
    </svg>
  );
}

const level = (value: number | null, warn: number, crit: number): '' | 'warn' | 'crit' => {
  if (value === null || value < warn) return '';
  return value >= crit ? 'crit' : 'warn';
};

function Cell({ text, tone }: { text: string; tone: '' | 'warn' | 'crit' }): JSX.Element {
  return (
    <td class={`num ${tone === '' ? '' : `${tone} bad`}`}>
      <span class="cellw">
        {tone !== '' && <StatusIcon status={tone} />}
        {text}
      </span>
    </td>
  );
}

function Row({ row }: { row: ServiceRow }): JSX.Element {
  return (
    <tr>
      <td class="svc">
        <a class="cut" href={address('/traces', { service: row.service })} title={row.service}>
          {row.service}
        </a>
      </td>
      <td>
        <span class={`word w-${STATUS[row.state]}`} title={row.reason}>
          <StatusIcon status={STATUS[row.state]} label="" />
          {WORD[row.state]}
        </span>
      </td>
      <td>
        <Strip strip={row.strip} />
      </td>
      <td class="num">{row.requests_per_second === null ? NONE : digits(row.requests_per_second)}</td>
      <Cell text={joined(percent(row.error_ratio))} tone={level(row.error_ratio, 0.01, 0.05)} />
      <Cell text={joined(duration(row.p95_seconds))} tone={level(row.p95_seconds, 0.2, 1)} />
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
    <a class="sv" href={address('/traces', { service: row.service })}>
      <StatusIcon status={STATUS[row.state]} label="" />
      <span class="cut">
        <b>{row.service}</b> <span class="muted">{WORD[row.state]}</span>
      </span>
      <span class={`w-${STATUS[row.state]}`}>{worstSignal(row)}</span>
      <Icon name="right" small />
    </a>
  );
}

export function ServiceHealth({ services }: { services: Resource<ServicesAnswer> }): JSX.Element {
  const rows = services.data?.services;
  return (
    <section class="card c8 health" aria-label="Service health">
      <div class="hd">
        <h2>Service health</h2>
        <span class="sub">{rows ? `${rows.length} services, worst first` : ''}</span>
        <span class="note">last 15 min, one mark a minute</span>
      </div>
      {services.error && rows === undefined && <Failed error={services.error} retry={services.reload} />}
      {rows === undefined && services.error === undefined && <Loading height={180} />}
      {rows?.length === 0 && (
        <Empty text="No service has sent telemetry yet. Point OTEL_EXPORTER_OTLP_ENDPOINT at port 4318." />
      )}
      {rows && rows.length > 0 && (
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
      )}
    </section>
  );
}

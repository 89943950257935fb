/** What a service calls: other servers over HTTP, and databases, with rate, errors and the time that it waits for them. */
import type { JSX } from 'preact';
import type { Resource } from '../state/api.ts';
import { digits, duration, joined, percent } from '../state/format.ts';
import { byLabel } from '../state/instant.ts';
import { sortedBy } from '../state/sorting.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell } from '../ui/service-state.tsx';
import { Empty } from '../ui/states.tsx';
import type { Figures } from './figures.tsx';

const MOST = 50;

interface CallRow {
  readonly to: string;
  readonly kind: string;
  readonly rate: number;
  readonly errors: number | null;
  readonly p95: number | null;
}

export function callRows(data: Figures): readonly CallRow[] {
  const address = ['server_address', 'server_port'] as const;
  const database = ['db_system_name', 'db_operation_name'] as const;
  const errors = byLabel(data.callErrors ?? [], ...address);
  const p95 = byLabel(data.callP95 ?? [], ...address);
  const slow = byLabel(data.dbP95 ?? [], ...database);
  const key = (labels: Readonly<Record<string, string>>, names: readonly string[]): string =>
    names.map((name) => labels[name] ?? '').join('\u0000');
  const calls = (data.callRate ?? []).map(({ labels, value }): CallRow => {
    const { server_address: host = '', server_port: port = '' } = labels;
    const at = key(labels, address);
    const share = value === 0 ? 0 : (errors.get(at) ?? 0) / value;
    return {
      to: port === '' ? host : `${host}:${port}`,
      kind: 'HTTP',
      rate: value,
      errors: share,
      p95: p95.get(at) ?? null,
    };
  });
  const queries = (data.dbRate ?? []).map(({ labels, value }): CallRow => {
    const { db_system_name: system = '', db_operation_name: operation = '' } = labels;
    return { to: operation, kind: system, rate: value, errors: null, p95: slow.get(key(labels, database)) ?? null };
  });
  return sortedBy(
    [...calls, ...queries].filter(({ rate }) => rate > 0),
    ({ p95: time }) => time,
    true,
  ).slice(0, MOST);
}

export function CallsCard({ figures }: { figures: Resource<Figures> }): JSX.Element {
  return (
    <section class="card c4" aria-label="Calls">
      <div class="hd">
        <h2>Calls</h2>
        <span class="sub">what it waits for, slowest first</span>
      </div>
      <Loaded
        of={figures}
        height={120}
        isEmpty={(data) => callRows(data).length === 0}
        empty={<Empty text="It reports no call to another server or a database." />}
      >
        {(data) => (
          <table>
            <thead>
              <tr>
                <th scope="col">To</th>
                <th scope="col" class="num">
                  per s
                </th>
                <th scope="col" class="num">
                  errors
                </th>
                <th scope="col" class="num">
                  p95
                </th>
              </tr>
            </thead>
            <tbody>
              {callRows(data).map((row) => (
                <tr key={`${row.kind} ${row.to}`}>
                  <td class="svc">
                    <span class="cut">
                      <Name of={row.to} most={60} />{' '}
                      <small>
                        <Name of={row.kind} most={20} />
                      </small>
                    </span>
                  </td>
                  <td class="num">{digits(row.rate)}</td>
                  <ToneCell text={joined(percent(row.errors))} tone={levelOf(row.errors, 0.01, 0.05)} />
                  <ToneCell text={joined(duration(row.p95))} tone={levelOf(row.p95, 0.2, 1)} />
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </section>
  );
}

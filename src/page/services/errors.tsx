/** The errors of a service as issues: state, how often, how many users, and since which version. */
import type { JSX } from 'preact';
import { askedFor, ISSUES_COUNTED } from '../../dashboards/computed.ts';
import type { ErrorsAnswer, ErrorView } from '../../monitor/api/records/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { age, dateTime, digits } from '../state/format.ts';
import { isMoving, searchTimes, viewNowMs } from '../state/range.ts';
import { address } from '../state/router.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import type { Status } from '../ui/status.ts';
import { Empty } from '../ui/states.tsx';

const EVERY_MS = 10_000;
const MOST = '8';

const STATES: Readonly<Record<ErrorView['state'], readonly [Status, string]>> = {
  new: ['crit', 'New'],
  regressed: ['warn', 'Regressed'],
  open: ['unknown', 'Ongoing'],
  resolved: ['ok', 'Resolved'],
};

/** A value in the grammar of filters (docs/adr/0045-filter-grammar.md). */
const filterText = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

function Row({ issue }: { issue: ErrorView }): JSX.Element {
  const [status, word] = STATES[issue.state];
  const text = (
    <>
      <b>
        <Name of={issue.type} most={60} />
      </b>{' '}
      <Name of={issue.message} mono most={120} />
    </>
  );
  return (
    <tr>
      <td>
        <span class={`word w-${status}`}>
          <StatusIcon status={status} label="" /> {word}
        </span>
      </td>
      <td class="svc">
        {issue.trace_id === null ? (
          <span class="cut">{text}</span>
        ) : (
          <a class="cut" data-row href={`/traces/${issue.trace_id}`}>
            {text}
          </a>
        )}
      </td>
      <td class="num">{digits(issue.count)}</td>
      <td class="num w">{issue.users >= 100 ? '100+' : digits(issue.users)}</td>
      <td class="w" title={dateTime(issue.first_seen_ms)}>
        {age(Math.max(0, viewNowMs.value - issue.first_seen_ms))} ago
        {issue.first_version !== '' && (
          <>
            {', '}
            <Name of={issue.first_version} most={20} />
          </>
        )}
      </td>
    </tr>
  );
}

export function ErrorsCard({ service }: { service: string }): JSX.Element {
  const q = `service:${filterText(service)}`;
  const path = address('/api/errors', { q, ...searchTimes.value, limit: MOST });
  const errors = useResource<ErrorsAnswer>(path, isMoving.value ? EVERY_MS : undefined);
  return (
    <section class="card c8" aria-label="Errors">
      <div class="hd">
        <h2>Errors</h2>
        <span class="sub">grouped into issues, of the range</span>
        <HowComputed of={askedFor('Errors', path, ISSUES_COUNTED)} />
      </div>
      <Loaded
        of={errors}
        height={160}
        isEmpty={(answer) => answer.errors.length === 0}
        empty={<Empty text="No exception of this service in this range." />}
      >
        {(answer) => (
          <table class="services">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Issue</th>
                <th scope="col" class="num">
                  times
                </th>
                <th scope="col" class="num w">
                  users
                </th>
                <th scope="col" class="w">
                  first seen
                </th>
              </tr>
            </thead>
            <tbody>
              {answer.errors.map((issue) => (
                <Row key={issue.id} issue={issue} />
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </section>
  );
}

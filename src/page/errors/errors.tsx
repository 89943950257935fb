/** Errors as issues: exceptions of spans and lines, one row for all that have one cause. The address holds filter and order. */
import type { JSX } from 'preact';
import { askedFor, ISSUES_COUNTED } from '../../dashboards/computed.ts';
import type { ErrorsAnswer, ErrorView } from '../../monitor/api/records/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { toggled, hasTerm, termOf } from '../state/filter-text.ts';
import { age, dateTime, digits } from '../state/format.ts';
import { isMoving, searchTimes, viewNowMs } from '../state/range.ts';
import { address, param, setParams } from '../state/router.ts';
import { orderOf, sortedBy } from '../state/sorting.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import { Empty } from '../ui/states.tsx';
import { ErrorState } from './error-state.tsx';
import '../styles/records.css';

const EVERY_MS = 5_000;
const MOST = '200';
const SORTS = ['count', 'users', 'first', 'last'] as const;
const STATES = ['new', 'open', 'regressed', 'resolved'] as const;

function valueOf(row: ErrorView, column: (typeof SORTS)[number]): number {
  if (column === 'count') return row.count;
  if (column === 'users') return row.users;
  return column === 'first' ? row.first_seen_ms : row.last_seen_ms;
}

/** 100 stands for 100 or more. */
export const usersText = (users: number): string => (users >= 100 ? '100+' : String(users));

function Seen({ ms }: { ms: number }): JSX.Element {
  return (
    <time dateTime={new Date(ms).toISOString()} title={dateTime(ms, 'seconds')}>
      {age(viewNowMs.value - ms)} ago
    </time>
  );
}

function Row({ row }: { row: ErrorView }): JSX.Element {
  return (
    <tr>
      <td class="w">
        <ErrorState state={row.state} />
      </td>
      <td class="issue">
        <a data-row href={`/errors/${encodeURIComponent(row.id)}`}>
          <b>
            <Name of={row.type} most={60} />
          </b>
          <span class="cut">
            <Name of={row.message} most={160} />
          </span>
        </a>
        {row.culprit !== '' && (
          <span class="mono muted cut">
            <Name of={row.culprit} most={100} />
          </span>
        )}
      </td>
      <td class="p">
        <span class="cut">
          <Name of={row.service} most={40} />
        </span>
      </td>
      <td class="num">
        <b>{digits(row.count)}</b>
      </td>
      <td class="num w">{usersText(row.users)}</td>
      <td class="w">
        <Seen ms={row.first_seen_ms} /> {row.first_version !== '' && <Name of={row.first_version} most={20} />}
      </td>
      <td>
        <Seen ms={row.last_seen_ms} />
      </td>
    </tr>
  );
}

function Table({ rows }: { rows: readonly ErrorView[] }): JSX.Element {
  const order = orderOf(param('sort'), SORTS, { column: 'last', descending: true });
  const sorted = sortedBy(rows, (row) => valueOf(row, order.column), order.descending);
  return (
    <table class="issues">
      <thead>
        <tr>
          <th scope="col" class="w">
            state
          </th>
          <th scope="col" class="issue">
            error
          </th>
          <th scope="col" class="p">
            service
          </th>
          <SortHead column="count" title="traces" order={order} />
          <SortHead column="users" title="users" order={order} className="w" />
          <SortHead column="first" title="first seen" order={order} className="w" />
          <SortHead column="last" title="last seen" order={order} />
        </tr>
      </thead>
      <tbody>
        {sorted.map((row) => (
          <Row key={row.id} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function States(): JSX.Element {
  const filter = param('q');
  return (
    <div class="seg" role="group" aria-label="State">
      {STATES.map((state) => {
        const term = termOf('state', state);
        return (
          <button
            key={state}
            type="button"
            aria-pressed={hasTerm(filter, term)}
            onClick={() => setParams({ q: toggled(filter, term) })}
          >
            {state}
          </button>
        );
      })}
    </div>
  );
}

function NoErrors(): JSX.Element {
  return param('q') === '' ? (
    <Empty text="No exception was seen in this range." />
  ) : (
    <Empty
      text="No error matches this filter."
      action={
        <button type="button" class="btn sm" onClick={() => setParams({ q: undefined })}>
          Show all errors
        </button>
      }
    />
  );
}

export function ErrorsPage(): JSX.Element {
  const question = { q: param('q'), ...searchTimes.value, limit: MOST };
  const path = address('/api/errors', question);
  const errors = useResource<ErrorsAnswer>(path, isMoving.value ? EVERY_MS : undefined);
  const wrong = filterErrorOf(errors.error);
  const { data } = errors;
  return (
    <>
      <div class="page-head c12">
        <h1 class="page-title">Errors</h1>
        {data !== undefined && wrong === undefined && (
          <span class="muted">
            {digits(data.errors.length)}
            {data.more ? ' or more' : ''} in this range
          </span>
        )}
      </div>
      <FilterBar of="errors" example="service:checkout state:new type:TimeoutError" error={wrong} />
      {wrong === undefined && (
        <section class="card c12 issues-card" aria-label="Errors">
          <div class="hd">
            <h2 class="vh">Errors</h2>
            <States />
            <HowComputed of={askedFor('Errors', path, ISSUES_COUNTED)} />
          </div>
          <Loaded of={errors} height={240} isEmpty={(answer) => answer.errors.length === 0} empty={<NoErrors />}>
            {({ errors: rows, evicted }) => (
              <>
                <Table rows={rows} />
                {evicted > 0 && <p class="foot">{digits(evicted)} older errors gave way to newer ones</p>}
              </>
            )}
          </Loaded>
        </section>
      )}
    </>
  );
}

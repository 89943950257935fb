/** The ledger: exact figures of the requests by up to three fields, with the time of each phase. */
import type { JSX } from 'preact';
import { askedFor, ROWS_COUNTED } from '../../dashboards/computed.ts';
import type { RequestFiguresAnswer } from '../../monitor/api/records/contract.ts';
import { roundTop } from '../charts/chart-model.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useWidth } from '../charts/width.ts';
import { LedgerBar, PhaseLegend, segmentsOf } from '../overview/phase-table.tsx';
import type { Resource } from '../state/api.ts';
import { digits, joined, millis, percent } from '../state/format.ts';
import { address, pageState, param, setParams } from '../state/router.ts';
import { orderOf } from '../state/sorting.ts';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell } from '../ui/service-state.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import type { Group } from './ledger-groups.ts';
import { BY_FIELDS, byOf, groupsOf, MOST_BY, narrowedTo, SORTS, sumsOf } from './ledger-groups.ts';
import { NoRequests } from './no-requests.tsx';

const MOST = 40;

const show = (by: readonly string[]): void => setParams({ by: by.join(',') }, true);

function Fields({ by }: { by: readonly string[] }): JSX.Element {
  const others = BY_FIELDS.filter((field) => !by.includes(field));
  return (
    <span class="by">
      by
      {by.map((field) => (
        <span key={field} class="chip">
          {field}
          {by.length > 1 && (
            <button
              type="button"
              aria-label={`Do not group by ${field}`}
              onClick={() => show(by.filter((one) => one !== field))}
            >
              <Icon name="close" small />
            </button>
          )}
        </span>
      ))}
      {by.length < MOST_BY && (
        <select
          aria-label="Group by another field too"
          value=""
          onChange={({ currentTarget }) => show([...by, currentTarget.value])}
        >
          <option value="">and …</option>
          {others.map((field) => (
            <option key={field}>{field}</option>
          ))}
        </select>
      )}
    </span>
  );
}

/** The present address with a narrower filter. */
function linkTo(group: Group): string {
  const params = Object.fromEntries(pageState.value.params);
  return address('/requests', { ...params, q: narrowedTo(param('q'), group.figure.by) });
}

function Row({
  group,
  by,
  top,
  width,
}: {
  group: Group;
  by: readonly string[];
  top: number;
  width: number;
}): JSX.Element {
  const { figure, share, phases } = group;
  const shared = Math.round(share * 100);
  return (
    <tr>
      {by.map((field, at) => (
        <td key={field} class={field === 'route' ? 'mono field wide' : 'mono field'}>
          {at === 0 ? (
            <a data-row class="cut" href={linkTo(group)}>
              <Name of={figure.by[field]} most={80} />
            </a>
          ) : (
            <span class="cut">{figure.by[field] === '' ? '–' : <Name of={figure.by[field]} most={80} />}</span>
          )}
        </td>
      ))}
      <td class="bar">
        {width > 0 && (
          <svg width={width} height="23" aria-hidden="true">
            <LedgerBar segments={segmentsOf(phases, top, width)} height={15} />
          </svg>
        )}
      </td>
      <td class="num mean">{millis(figure.mean)}</td>
      <td class="num">{millis(figure.p95)}</td>
      <ToneCell text={joined(percent(figure.error_ratio))} tone={levelOf(figure.error_ratio, 0.01, 0.05)} />
      <td class="part">
        <span class="share">
          <i>
            <i style={{ width: `${shared}%` }} />
          </i>
          <span class="num">{shared} %</span>
        </span>
      </td>
      <td class="num">{digits(figure.requests)}</td>
    </tr>
  );
}

function Groups({ answer, by }: { answer: RequestFiguresAnswer; by: readonly string[] }): JSX.Element {
  const [box, width] = useWidth<HTMLTableCellElement>();
  const order = orderOf(param('sort'), SORTS, { column: 'share', descending: true });
  const groups = groupsOf(answer.figures, order.column, order.descending);
  const seen = groups.slice(0, MOST);
  const rest = groups.slice(MOST);
  const restSums = sumsOf(rest.map(({ figure }) => figure));
  const sums = sumsOf(answer.figures);
  const top = roundTop(Math.max(0, ...seen.map(({ figure }) => figure.mean))) / 1_000;
  // Room on both sides of the cell.
  const bar = Math.max(0, width - 16);
  return (
    <>
      <table class="request-groups">
        <thead>
          <tr>
            {by.map((field) => (
              <th key={field} scope="col" class="field">
                {field}
              </th>
            ))}
            <th scope="col" class="bar" ref={box}>
              phases, to {millis(top * 1_000)}
            </th>
            <SortHead column="mean" title="mean" order={order} />
            <SortHead column="p95" title="p95" order={order} />
            <SortHead column="errors" title="errors" order={order} />
            <SortHead column="share" title="share of all time" order={order} className="part" />
            <SortHead column="requests" title="requests" order={order} />
          </tr>
        </thead>
        <tbody>
          {seen.map((group) => (
            <Row key={JSON.stringify(group.figure.by)} group={group} by={by} top={top} width={bar} />
          ))}
        </tbody>
      </table>
      <p class="foot">
        <span>
          All <b>{groups.length} groups</b>, <b>{digits(sums.requests)} requests</b>, mean <b>{millis(sums.mean)}</b>
        </span>
        {rest.length > 0 && (
          <span>
            {rest.length} groups with {digits(restSums.requests)} requests are not shown
          </span>
        )}
        <span>{answerText(answer)}</span>
      </p>
    </>
  );
}

function answerText({ complete, missing }: RequestFiguresAnswer): string {
  if (!complete) return 'the search ended early: narrow the range or the filter';
  if (missing === undefined) return 'exact: every request is counted';
  return `${missing.exact ? '' : 'at most '}${digits(missing.rows)} requests were lost before they reached the store`;
}

interface FiguresCardProps {
  readonly figures: Resource<RequestFiguresAnswer>;
  /** What was asked for them. */
  readonly path: string;
}

export function FiguresCard({ figures, path }: FiguresCardProps): JSX.Element {
  const by = byOf(param('by'));
  return (
    <section class="card c12 ledger-by" aria-label="Request ledger">
      <div class="hd">
        <h2>Request ledger</h2>
        <Fields by={by} />
        <PhaseLegend />
        <HowComputed of={askedFor('Request ledger', path, ROWS_COUNTED)} />
      </div>
      <Loaded of={figures} height={240} isEmpty={(answer) => answer.figures.length === 0} empty={<NoRequests />}>
        {(answer) => <Groups answer={answer} by={by} />}
      </Loaded>
    </section>
  );
}

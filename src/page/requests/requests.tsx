/**
 * Every request that the balancer saw: exact figures by field, then the rows. The address holds the filter, the fields and
 * the order; a support code leads to its one request.
 */
import type { JSX } from 'preact';
import { askedFor, ROWS_COUNTED } from '../../dashboards/computed.ts';
import type { RequestCountsAnswer, RequestFiguresAnswer } from '../../monitor/api/records/contract.ts';
import { CountBars } from '../charts/count-bars.tsx';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { Resource } from '../state/api.ts';
import { useResource } from '../state/api.ts';
import { digits, joined, percent } from '../state/format.ts';
import { asked, isMoving, searchTimes } from '../state/range.ts';
import { address, go, param } from '../state/router.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { levelOf } from '../ui/service-state.tsx';
import { say } from '../ui/toast.tsx';
import { DurationsCard } from './durations-card.tsx';
import { FiguresCard } from './figures-card.tsx';
import { byOf, codeText, isCode, sumsOf } from './ledger-groups.ts';
import { NoRequests } from './no-requests.tsx';
import { RowsCard } from './rows-card.tsx';
import '../styles/records.css';

const EVERY_MS = 5_000;

function Verdict({ figures }: { figures: RequestFiguresAnswer['figures'] | undefined }): JSX.Element {
  const sums = sumsOf(figures ?? []);
  const ratio = sums.requests === 0 ? 0 : sums.errors / sums.requests;
  const level = levelOf(ratio, 0.01, 0.05);
  const status = figures === undefined || sums.requests === 0 ? 'unknown' : level === '' ? 'ok' : level;
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={status} />
      {figures === undefined ? (
        <p>Waiting for the figures.</p>
      ) : (
        <p>
          <b>{digits(sums.requests)} requests</b>
          {sums.requests > 0 &&
            (sums.errors === 0 ? ', none failed' : `, ${digits(sums.errors)} failed (${joined(percent(ratio))})`)}
        </p>
      )}
    </section>
  );
}

function LookUp(): JSX.Element {
  return (
    <form
      class="look-up"
      aria-label="Find a request"
      onSubmit={(event) => {
        event.preventDefault();
        const text = new FormData(event.currentTarget).get('code');
        const code = codeText(typeof text === 'string' ? text : '');
        if (isCode(code)) go(`/requests/${code}`);
        else say('A support code has eight characters; a trace or request id works too.', { failed: true });
      }}
    >
      <input
        name="code"
        class="mono"
        aria-label="Support code or id"
        placeholder="support code or id"
        spellcheck={false}
      />
      <button type="submit" class="btn">
        Look up
      </button>
    </form>
  );
}

/** Requests in each step, those that failed at the foot. */
function TrendCard({ steps, path }: { steps: Resource<RequestCountsAnswer>; path: string }): JSX.Element {
  return (
    <section class="card c12" aria-label="Requests over time">
      <div class="hd">
        <h2>Requests over time</h2>
        <div class="legend">
          <span>
            <i class="sw b-http-2xx" /> answered
          </span>
          <span>
            <i class="sw b-crit" /> failed
          </span>
        </div>
        <HowComputed of={askedFor('Requests over time', path, ROWS_COUNTED)} />
      </div>
      <Loaded of={steps} height={132} isEmpty={({ figures }) => figures.length === 0} empty={<NoRequests />}>
        {({ figures, step_ms: stepMs, from_ms: fromMs, to_ms: toMs }) => {
          const step = stepMs ?? 1;
          const first = Math.floor(fromMs / step) * step;
          const times = Array.from({ length: Math.ceil((toMs - first) / step) }, (_, at) => first + at * step);
          const at = new Map(figures.map((figure) => [figure.time_ms, figure]));
          const failed = times.map((time) => at.get(time)?.errors ?? 0);
          const answered = times.map((time, n) => (at.get(time)?.requests ?? 0) - failed[n]);
          const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
          const all = sumOf(figures.map(({ requests }) => requests));
          return (
            <CountBars
              timesMs={times}
              stepMs={step}
              series={[
                { name: 'failed', className: 'f-crit-mark', counts: failed },
                { name: 'answered', className: 'f-http-2xx', counts: answered },
              ]}
              label={`${digits(all)} requests over time, ${digits(sumOf(failed))} failed`}
            />
          );
        }}
      </Loaded>
    </section>
  );
}

export function RequestsPage(): JSX.Element {
  const question = { q: param('q'), ...searchTimes.value };
  const every = isMoving.value ? EVERY_MS : undefined;
  const by = byOf(param('by')).join(',');
  const path = address('/api/requests/figures', { ...question, by });
  const figures = useResource<RequestFiguresAnswer>(path, every);
  const { stepMs } = asked.value;
  const step = String(Math.max(stepMs, 15_000));
  const stepsPath = address('/api/requests/figures', { ...question, step, only: 'counts' });
  const steps = useResource<RequestCountsAnswer>(stepsPath, every);
  const wrong = filterErrorOf(figures.error);
  return (
    <>
      <div class="page-head c12">
        <h1 class="page-title">Requests</h1>
        <LookUp />
      </div>
      {wrong === undefined && <Verdict figures={figures.data?.figures} />}
      <FilterBar of="requests" example="status:5xx duration:>200ms route:/payments" error={wrong} />
      {wrong === undefined && (
        <>
          <TrendCard steps={steps} path={stepsPath} />
          <FiguresCard figures={figures} path={path} />
          <DurationsCard question={question} everyMs={every} />
          <RowsCard key={question.q} question={question} everyMs={every} />
        </>
      )}
    </>
  );
}

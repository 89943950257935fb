/** One objective: its months, its burn over time, and what used the budget: the worst hours and routes. */
import type { JSX } from 'preact';
import type { AvailabilityJson, ObjectiveJson } from '../../monitor/api/targets/contract.ts';
import type { RequestCountsAnswer } from '../../monitor/api/records/contract.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { useResource } from '../state/api.ts';
import { age, dateTime, digits } from '../state/format.ts';
import { quoted } from '../state/instant.ts';
import { address } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { Months } from './objective-months.tsx';
import { badFilter } from './objective-text.ts';

const MOST = 8;
const EVERY_MS = 60_000;
const HOUR_S = 3_600;
const MOST_STEPS = 1_900;

interface Eater {
  readonly key: string;
  readonly name: string;
  readonly text: string;
  readonly share: number;
  readonly href: string | undefined;
}

function Eaters({ title, rows }: { title: string; rows: readonly Eater[] }): JSX.Element {
  return (
    <table class="eaters">
      <thead>
        <tr>
          <th scope="col">{title}</th>
          <th scope="col" class="num">
            bad
          </th>
          <th scope="col" class="num">
            of all that is bad
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, name, text, share, href }) => (
          <tr key={key}>
            <td>{href === undefined ? name : <a href={href}>{<Name of={name} most={60} />}</a>}</td>
            <td class="num">{text}</td>
            <td class="num">{digits(share * 100)} %</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type Figures = RequestCountsAnswer['figures'];

/** Sums the figures that have the same name, the largest first. */
function summed(figures: Figures, keyOf: (one: Figures[number]) => string): (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const one of figures) sums.set(keyOf(one), (sums.get(keyOf(one)) ?? 0) + one.requests);
  return [...sums].toSorted((a, b) => b[1] - a[1]).slice(0, MOST);
}

function RequestEaters({
  of,
  requests,
}: {
  of: ObjectiveJson;
  requests: { total: string; good: string };
}): JSX.Element {
  const q = badFilter(requests);
  const from = `now-${of.window}`;
  // Whole hours, and no more steps than an answer may have.
  const stepMs = Math.ceil(of.window_seconds / MOST_STEPS / HOUR_S) * HOUR_S * 1_000;
  const routes = useResource<RequestCountsAnswer>(
    address('/api/requests/figures', { q, from, by: 'route', only: 'counts' }),
    EVERY_MS,
  );
  const hours = useResource<RequestCountsAnswer>(
    address('/api/requests/figures', { q, from, by: 'method', step: String(stepMs), only: 'counts' }),
    EVERY_MS,
  );
  const all = (figures: Figures): number => figures.reduce((sum, one) => sum + one.requests, 0) || 1;
  const none = <Empty text="No event of this window was bad." />;
  const linkTo = (more: string, at?: number): string =>
    address('/requests', {
      q: `${q}${more}`,
      from: at === undefined ? from : String(at),
      to: at === undefined ? 'now' : String(at + stepMs),
    });
  return (
    <>
      <section class="card c6" aria-label="Worst hours">
        <Loaded of={hours} height={160} isEmpty={({ figures }) => figures.length === 0} empty={none}>
          {({ figures }) => (
            <Eaters
              title="Worst hours"
              rows={summed(figures, ({ time_ms: ms }) => String(ms ?? 0)).map(([ms, bad]) => ({
                key: ms,
                name: dateTime(Number(ms)),
                text: digits(bad),
                share: bad / all(figures),
                href: linkTo('', Number(ms)),
              }))}
            />
          )}
        </Loaded>
      </section>
      <section class="card c6" aria-label="Worst routes">
        <Loaded of={routes} height={160} isEmpty={({ figures }) => figures.length === 0} empty={none}>
          {({ figures }) => (
            <Eaters
              title="Worst routes"
              rows={summed(figures, ({ by }) => by['route'] ?? '').map(([route, bad]) => ({
                key: route,
                name: route,
                text: digits(bad),
                share: bad / all(figures),
                href: linkTo(route === '' ? '' : ` route:${JSON.stringify(route)}`),
              }))}
            />
          )}
        </Loaded>
      </section>
    </>
  );
}

function TargetEaters({ of, id }: { of: ObjectiveJson; id: string }): JSX.Element {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const path = address('/api/availability', { target: id, from: `now-${of.window}`, by: 'hour', zone });
  const found = useResource<{ availability: readonly AvailabilityJson[] }>(path, EVERY_MS);
  const bad = (answer: { availability: readonly AvailabilityJson[] }) =>
    (answer.availability.at(0)?.parts ?? [])
      .filter(({ down_seconds: down }) => down > 0)
      .toSorted((a, b) => b.down_seconds - a.down_seconds);
  return (
    <section class="card c12" aria-label="Worst hours">
      <Loaded
        of={found}
        height={160}
        isEmpty={(answer) => bad(answer).length === 0}
        empty={<Empty text="The target had no outage in this window." />}
      >
        {(answer) => {
          const all = answer.availability[0].down_seconds || 1;
          return (
            <Eaters
              title="Worst hours"
              rows={bad(answer)
                .slice(0, MOST)
                .map(({ from, down_seconds: down }) => ({
                  key: from,
                  name: dateTime(Date.parse(from)),
                  text: age(down * 1_000),
                  share: down / all,
                  href: `/targets/${encodeURIComponent(id)}`,
                }))}
            />
          );
        }}
      </Loaded>
    </section>
  );
}

function MonthsCard({ of }: { of: ObjectiveJson }): JSX.Element {
  return (
    <section class="card c4" aria-label="Months">
      <div class="hd">
        <h2>
          <Name of={of.name} most={40} />
        </h2>
        <span class="sub">by month (UTC)</span>
      </div>
      <Months of={of} />
    </section>
  );
}

export function ObjectiveDetail({ of }: { of: ObjectiveJson }): JSX.Element {
  const budget = 1 - of.objective;
  const series = (window: string): string =>
    `slo:sli_error:ratio_rate${window}{slo=${quoted(of.name)}} / ${Number(budget.toPrecision(6))}`;
  const panel = {
    id: 'objective-burn',
    title: 'Burn rate',
    subtitle: 'at 1 the budget lasts as long as the window; at 14.4 over 1 h somebody is paged',
    unit: 'count',
    kind: 'timeseries',
    queries: [
      { expr: series('1h'), legend: '1 h', exact: true, main: true },
      { expr: series('6h'), legend: '6 h', exact: true },
      { expr: series('3d'), legend: '3 d', exact: true },
    ],
    width: 8,
  } as const;
  return (
    <>
      <MonthsCard of={of} />
      <PanelCard panel={panel} className="c8" />
      {of.requests !== null && <RequestEaters of={of} requests={of.requests} />}
      {of.target_id !== null && <TargetEaters of={of} id={of.target_id} />}
    </>
  );
}

/** Targets: each with its state, its last day and 90 days, its last check; the time of all on one chart. */
import type { JSX } from 'preact';
import type { AvailabilityJson, TargetJson, TargetsJson } from '../../monitor/api/targets/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { digits } from '../state/format.ts';
import { address, param, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { ComparisonChart } from './comparison-chart.tsx';
import { TARGETS_COMPUTED } from './target-computed.ts';
import { groupsIn, isShown, ownerOf, OWNERS, SHOWS, worstFirst } from './target-filter.ts';
import { TargetForm } from './target-form.tsx';
import { MarkStrip, PhaseBar, PhaseKey, StateWord } from './target-state.tsx';
import { certificateOf, dayMarks, dayText, statusOf, upText } from './target-words.ts';
import '../styles/targets.css';

const EVERY_MS = 5_000;
const DAYS_EVERY_MS = 300_000;
/** Rows whose 90 days are asked for. */
const MOST_DAYS = 100;

type Days = ReadonlyMap<string, AvailabilityJson>;

function Verdict({ targets }: { targets: readonly TargetJson[] }): JSX.Element {
  const down = targets.filter((one) => ['crit', 'warn'].includes(statusOf(one)) && !one.competitor);
  const days = targets
    .flatMap((one) => (one.certificate_expires === null ? [] : [one]))
    .toSorted((a, b) => Date.parse(a.certificate_expires ?? '') - Date.parse(b.certificate_expires ?? ''));
  const first = down.at(0);
  return (
    <section class="verdict c12" aria-label="Verdict">
      <StatusIcon status={first === undefined ? 'ok' : statusOf(first)} label="" />
      <p>
        {first === undefined ? (
          <>
            <b>All targets</b> answer as they should.
          </>
        ) : (
          <>
            <b>
              <Name of={first.name} most={60} />
            </b>{' '}
            {first.heartbeat === undefined ? 'fails' : 'is late'}:{' '}
            <Name of={first.last?.reason || 'no reason given'} most={160} />
          </>
        )}
      </p>
      <div class="facts">
        <span>
          <b>{down.length}</b> down
        </span>
        {days.length > 0 && (
          <span>
            first certificate ends in <b>{certificateOf(days[0]).text}</b>
          </span>
        )}
        <HowComputed of={TARGETS_COMPUTED} />
      </div>
    </section>
  );
}

function Row({
  target,
  days,
  topMs,
}: {
  target: TargetJson;
  days: AvailabilityJson | undefined;
  topMs: number;
}): JSX.Element {
  const { id, name, kind, strip, last, competitor, group } = target;
  const certificate = certificateOf(target);
  const bad = strip.filter((state) => state === 'down').length;
  return (
    <tr>
      <td class="nm">
        <a data-row href={`/targets/${encodeURIComponent(id)}`}>
          <Name of={name} most={40} />
        </a>
        <small>
          {kind}
          {competitor ? ', competitor' : ''}
          {group !== '' && (
            <>
              {', '}
              <Name of={group} most={24} />
            </>
          )}
        </small>
      </td>
      <td class="stt">
        <StateWord target={target} />
      </td>
      <td class="s24">
        <MarkStrip marks={strip} label={`${bad} of ${strip.length} half hours with an outage`} />
      </td>
      <td class="s90">{days === undefined ? null : <MarkStrip marks={dayMarks(days)} label={dayText(days)} />}</td>
      <td class="num up">{upText(days?.availability ?? null)}</td>
      <td class="phz">{last === null ? null : <PhaseBar of={last} topMs={topMs} />}</td>
      <td class={`num tot${last?.success === false ? ' crit bad' : ''}`}>
        {last === null ? '–' : last.success ? `${digits(last.duration_ms)} ms` : 'failed'}
      </td>
      <td class={`num ce ${certificate.tone === '' ? '' : `${certificate.tone} bad`}`}>{certificate.text}</td>
    </tr>
  );
}

function Grid({ targets, days }: { targets: readonly TargetJson[]; days: Days }): JSX.Element {
  const topMs = targets.reduce((top, { last }) => Math.max(top, last?.success === true ? last.duration_ms : 0), 1);
  return (
    <table class="target-grid">
      <thead>
        <tr>
          <th scope="col">Target</th>
          <th scope="col">State</th>
          <th scope="col">24 h</th>
          <th scope="col">90 d</th>
          <th scope="col" class="num">
            90 d up
          </th>
          <th scope="col">last check, to {digits(topMs)} ms</th>
          <th scope="col" class="num">
            last
          </th>
          <th scope="col" class="num">
            certificate
          </th>
        </tr>
      </thead>
      <tbody>
        {targets.map((target) => (
          <Row key={target.id} target={target} days={days.get(target.id)} topMs={topMs} />
        ))}
      </tbody>
    </table>
  );
}

function Choice(props: {
  label: string;
  name: string;
  values: readonly string[];
  counts: (value: string) => number;
}): JSX.Element {
  const present = param(props.name) || props.values[0];
  return (
    <div class="seg" role="group" aria-label={props.label}>
      {props.values.map((value, at) => (
        <button
          key={value}
          type="button"
          aria-pressed={value === present}
          onClick={() => setParams({ [props.name]: at === 0 ? undefined : value })}
        >
          {value} <b>{props.counts(value)}</b>
        </button>
      ))}
    </div>
  );
}

function Tools({ targets }: { targets: readonly TargetJson[] }): JSX.Element {
  const groups = groupsIn(targets);
  return (
    <div class="hd target-tools">
      <h2 class="vh">Targets</h2>
      <Choice
        label="State"
        name="show"
        values={SHOWS}
        counts={(show) => targets.filter((one) => isShown(one, { q: '', show, owner: 'all', group: '' })).length}
      />
      {targets.some(({ competitor }) => competitor) && (
        <Choice
          label="Whose"
          name="of"
          values={OWNERS}
          counts={(owner) => targets.filter((one) => owner === 'all' || ownerOf(one) === owner).length}
        />
      )}
      {groups.length > 0 && (
        <select
          aria-label="Group or tag"
          value={param('group')}
          onChange={({ currentTarget }) => setParams({ group: currentTarget.value })}
        >
          <option value="">all groups</option>
          {groups.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
      <input
        type="search"
        data-filter
        aria-label="Search targets"
        placeholder="Search"
        value={param('q')}
        onInput={({ currentTarget }) => setParams({ q: currentTarget.value }, true)}
      />
      <PhaseKey />
      <HowComputed of={TARGETS_COMPUTED} />
      <a class="btn sm" href="/api/targets/export" download="targets.yaml">
        Export<span class="vh"> as YAML</span>
      </a>
      {mayDo('editor') && (
        <button type="button" class="btn sm" onClick={() => setParams({ edit: 'new' })}>
          <Icon name="plus" small />
          Add target
        </button>
      )}
    </div>
  );
}

const addOne = (
  <button type="button" class="btn" onClick={() => setParams({ edit: 'new' })}>
    Add a target
  </button>
);
const showAll = (
  <button
    type="button"
    class="btn sm"
    onClick={() => setParams({ q: undefined, show: undefined, of: undefined, group: undefined })}
  >
    Show all targets
  </button>
);

function useDays(ids: readonly string[]): Days {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const asked = ids.toSorted().slice(0, MOST_DAYS).join(',');
  const path = address('/api/availability', { target: asked, from: 'now-90d', by: 'day', zone });
  const found = useResource<{ availability: readonly AvailabilityJson[] }>(
    ids.length === 0 ? undefined : path,
    DAYS_EVERY_MS,
  );
  return new Map((found.data?.availability ?? []).map((one) => [one.target, one]));
}

export function TargetsPage(): JSX.Element {
  const found = useResource<TargetsJson>('/api/targets', EVERY_MS);
  const all = found.data?.targets ?? [];
  const wanted = { q: param('q'), show: param('show'), owner: param('of'), group: param('group') };
  const shown = worstFirst(all.filter((one) => isShown(one, wanted)));
  const days = useDays(all.map(({ id }) => id));
  return (
    <>
      <h1 class="page-title c12 vh">Targets</h1>
      {all.length > 0 && <Verdict targets={worstFirst(all)} />}
      {param('edit') !== '' && <TargetForm id={param('edit')} saved={found.reload} />}
      <section class="card c12 targets" aria-label="Targets">
        <Loaded
          of={found}
          height={320}
          isEmpty={({ targets }) => targets.length === 0}
          empty={
            <Empty
              text="No target is configured: nothing is checked from outside. Add one here, or under targets: in vitrine.yaml."
              {...(mayDo('editor') ? { action: addOne } : {})}
            />
          }
        >
          {({ targets }) => (
            <>
              <Tools targets={targets} />
              {shown.length === 0 ? (
                <Empty text="No target matches." action={showAll} />
              ) : (
                <Grid targets={shown} days={days} />
              )}
            </>
          )}
        </Loaded>
      </section>
      {shown.length > 0 && <ComparisonChart targets={shown} />}
    </>
  );
}

/** One target: state and facts, its last checks by phase, availability by calendar, outages, and the evidence of its failures. */
import type { JSX } from 'preact';
import type { EvidenceJson, HistoryJson, TargetJson } from '../../monitor/api/targets/contract.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { ApiError, sendJson, useResource } from '../state/api.ts';
import { age, clockTime, dateTime, digits, millis } from '../state/format.ts';
import { quoted } from '../state/instant.ts';
import { viewNowMs } from '../state/range.ts';
import { address, go, param, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Crumbs } from '../ui/crumbs.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { SureButton } from '../ui/sure-button.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { AvailabilityCard } from './availability-card.tsx';
import { EvidenceCard } from './evidence-card.tsx';
import { TargetForm } from './target-form.tsx';
import { PhaseBar, PhaseKey, StateWord } from './target-state.tsx';
import { certificateOf } from './target-words.ts';
import '../styles/records.css';
import '../styles/targets.css';

const EVERY_MS = 5_000;
const LAST_CHECKS = 30;

async function checkNow(path: string, reload: () => void): Promise<void> {
  try {
    const result = await sendJson<{ success: boolean; reason: string; durationSeconds: number }>(
      'POST',
      `${path}/check`,
      {},
    );
    const took = millis(result.durationSeconds * 1_000);
    say(result.success ? `Good in ${took}.` : `Failed after ${took}: ${result.reason}`, { failed: !result.success });
    reload();
  } catch (error) {
    sayError(error);
  }
}

function remove(path: string): void {
  sendJson('DELETE', path)
    .then(() => {
      say('The target is deleted. Its history stays in the file for as long as histories are kept.');
      return go('/targets');
    })
    .catch(sayError);
}

function Heartbeat({ id }: { id: string }): JSX.Element | null {
  const found = useResource<{ path: string }>(
    mayDo('editor') ? `/api/targets/${encodeURIComponent(id)}/heartbeat` : undefined,
  );
  if (found.data === undefined) return null;
  const url = location.origin + found.data.path;
  return (
    <>
      <span class="mono cut">{url}</span>
      <CopyButton text={url} what="Address of the heartbeat" />
    </>
  );
}

function factsOf(target: TargetJson): readonly (readonly [string, JSX.Element | string])[] {
  const {
    instance,
    interval_ms: every,
    last,
    depends_on: parents,
    cause,
    tags,
    group,
    origin,
    heartbeat,
    since,
  } = target;
  return [
    heartbeat === undefined
      ? ['address', <Name of={instance} most={120} mono />]
      : ['reports to', <Heartbeat id={target.id} />],
    ['since', since === null ? '–' : `${dateTime(Date.parse(since))}, ${age(viewNowMs.value - Date.parse(since))}`],
    ['last check', last === null ? '–' : `${clockTime(Date.parse(last.time))}, ${digits(last.duration_ms)} ms`],
    heartbeat === undefined ? ['every', age(every)] : ['due by', dateTime(Date.parse(heartbeat.deadline), 'seconds')],
    ['certificate', certificateOf(target).text],
    ['depends on', parents.length === 0 ? '–' : <Name of={parents.join(', ')} />],
    ...(cause === null ? [] : [['held back', <Name of={`${cause} is down: this target does not page`} />] as const]),
    ['group, tags', [group, ...tags].filter((one) => one !== '').join(', ') || '–'],
    ['made', origin === 'file' ? 'in the configuration file' : 'in the page or by API'],
  ];
}

function FactsCard({ target, reload }: { target: TargetJson; reload: () => void }): JSX.Element {
  const path = `/api/targets/${encodeURIComponent(target.id)}`;
  const traceId = target.last?.trace_id ?? '';
  return (
    <section class="card c4 target-facts" aria-label="Facts">
      <div class="hd">
        <h2>
          <StateWord target={target} />
        </h2>
      </div>
      {target.last !== null && target.last.reason !== '' && (
        <p class="say">
          <Name of={target.last.reason} most={300} />
        </p>
      )}
      <dl class="pairs">
        {factsOf(target).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="foot">
        {traceId !== '' && (
          <a class="btn sm" href={`/traces/${traceId}`}>
            Trace of the last check
          </a>
        )}
        {mayDo('editor') && (
          <>
            <button type="button" class="btn sm" onClick={() => void checkNow(path, reload)}>
              Check now
            </button>
            {target.origin === 'api' && (
              <>
                <button type="button" class="btn sm" onClick={() => setParams({ edit: target.id })}>
                  Change
                </button>
                <SureButton title="Delete" sure="Delete it?" what={target.name} act={() => remove(path)} />
              </>
            )}
          </>
        )}
      </p>
    </section>
  );
}

type Check = HistoryJson['checks'][number];

/** A bar a check, stacked by phase, from zero. */
function ChecksCard({ checks }: { checks: readonly Check[] }): JSX.Element {
  const shown = checks.slice(-LAST_CHECKS);
  // A failed check is as long as its time-out; the good ones give the scale.
  const good = shown.filter(({ success }) => success);
  const topMs = (good.length === 0 ? shown : good).reduce((top, { duration_ms: ms }) => Math.max(top, ms), 1);
  return (
    <section class="card c8" aria-label="Last checks">
      <div class="hd">
        <h2>Last checks</h2>
        <span class="sub">newest first, to {digits(topMs)} ms</span>
        <PhaseKey />
      </div>
      {shown.length === 0 ? (
        <Empty text="No check was made yet." />
      ) : (
        <div class="checks" tabIndex={0} role="group" aria-label="The last checks">
          {shown.toReversed().map((check) => (
            <div key={check.time} class="chk">
              <time dateTime={check.time}>{clockTime(Date.parse(check.time))}</time>
              <PhaseBar of={check} topMs={topMs} height={10} />
              <span class={check.success ? 'num' : 'num crit'}>
                {check.success ? `${digits(check.duration_ms)} ms` : <Name of={check.reason || 'failed'} most={60} />}
              </span>
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

function PhaseChart({ target }: { target: TargetJson }): JSX.Element | null {
  if (target.kind === 'heartbeat') return null;
  const matchers = `{job="targets",target=${quoted(target.name)}}`;
  const isHttp = target.kind === 'http' || target.kind === 'web';
  const panel = {
    id: 'target-phases',
    title: isHttp ? 'Time by phase' : 'Time of a check',
    subtitle: 'each check',
    unit: 'seconds',
    kind: isHttp ? 'stacked' : 'timeseries',
    queries: [
      isHttp
        ? { expr: `sum by (phase) (probe_http_duration_seconds${matchers})`, legend: '{{phase}}' }
        : { expr: `probe_duration_seconds${matchers}`, legend: '{{target}}' },
    ],
    width: 12,
  } as const;
  return <PanelCard panel={panel} className="c12" />;
}

export function TargetPage({ id }: { id: string }): JSX.Element {
  const path = `/api/targets/${encodeURIComponent(id)}`;
  const found = useResource<TargetJson>(path, EVERY_MS);
  const history = useResource<HistoryJson>(
    address(`${path}/history`, { from: 'now-6h', limit: String(LAST_CHECKS) }),
    EVERY_MS,
  );
  const evidence = useResource<EvidenceJson>(address(`${path}/evidence`, { limit: '20' }), EVERY_MS * 4);
  const isUnknown = found.error instanceof ApiError && found.error.status === 404;
  const all = (
    <a class="btn sm" href="/targets">
      Show all targets
    </a>
  );
  if (isUnknown) {
    return (
      <>
        <Crumbs list="Targets" path="/targets" name={id} />
        <section class="card c12">
          <Empty text="No target has this id." action={all} />
        </section>
      </>
    );
  }
  return (
    <>
      <Crumbs list="Targets" path="/targets" name={found.data?.name ?? id} />
      {param('edit') === id && <TargetForm id={id} saved={found.reload} />}
      <Loaded of={found} height={300}>
        {(target) => (
          <div class="target-body">
            <FactsCard target={target} reload={found.reload} />
            <ChecksCard checks={history.data?.checks ?? []} />
            <PhaseChart target={target} />
            <AvailabilityCard id={id} />
            <EvidenceCard evidence={evidence} />
          </div>
        )}
      </Loaded>
    </>
  );
}

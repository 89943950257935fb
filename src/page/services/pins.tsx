/** Metrics of a service's own, pinned to its page. The address holds them, so a link shows them to everybody. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { PanelCard } from '../charts/panel-card.tsx';
import { useResource } from '../state/api.ts';
import { quoted } from '../state/instant.ts';
import { changeState, pageState } from '../state/router.ts';
import { isMetricName, pinnedPanel } from './service-queries.ts';

const MOST = 12;

const pins = (): readonly string[] =>
  pageState.value.params.filter(([name, value]) => name === 'pin' && isMetricName(value)).map(([, value]) => value);

function setPins(next: readonly string[]): void {
  const others = pageState.value.params.filter(([name]) => name !== 'pin');
  changeState({ params: [...others, ...next.map((metric) => ['pin', metric] as const)] }, true);
}

function Pinned({ service, metric }: { service: string; metric: string }): JSX.Element {
  const panel = useMemo(() => pinnedPanel(service, metric), [service, metric]);
  return (
    <div class="c6 half pinned">
      <PanelCard panel={panel} />
      <button
        type="button"
        class="btn sm"
        aria-label={`Remove ${metric} from this page`}
        onClick={() => setPins(pins().filter((one) => one !== metric))}
      >
        Unpin
      </button>
    </div>
  );
}

export function Pins({ service }: { service: string }): JSX.Element {
  const [note, setNote] = useState('');
  const own = useResource<{ data: readonly string[] }>(
    `/api/v1/label/__name__/values?${new URLSearchParams({ 'match[]': `{job=${quoted(service)}}` })}`,
  );
  const chosen = pins();
  const pin = (metric: string): void => {
    if (!isMetricName(metric)) setNote('This is no name of a metric.');
    else if (chosen.length >= MOST) setNote(`At most ${MOST} metrics can be pinned.`);
    else {
      setNote('');
      if (!chosen.includes(metric)) setPins([...chosen, metric]);
    }
  };
  return (
    <>
      {chosen.map((metric) => (
        <Pinned key={metric} service={service} metric={metric} />
      ))}
      <form
        class="filters c12 pin-form"
        aria-label="Pin a metric"
        onSubmit={(event) => {
          event.preventDefault();
          const metric = new FormData(event.currentTarget).get('metric');
          pin(typeof metric === 'string' ? metric.trim() : '');
          event.currentTarget.reset();
        }}
      >
        <label class="grow">
          Pin a metric of this service to its page
          <input
            name="metric"
            class="mono"
            list="own-metrics"
            placeholder="orders_total"
            spellcheck={false}
            autocomplete="off"
          />
          <datalist id="own-metrics">
            {(own.data?.data ?? []).slice(0, 500).map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </label>
        <button type="submit" class="btn">
          Pin
        </button>
        {note !== '' && (
          <p class="crit" role="status">
            {note}
          </p>
        )}
      </form>
    </>
  );
}

/**
 * Metrics of a service's own, pinned to its page: by an editor for everybody, kept on the server; by anybody else in the
 * address, so that a link shows them.
 */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { PinsAnswer } from '../../monitor/api/charts/contract.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { sendJson, useResource } from '../state/api.ts';
import { quoted } from '../state/instant.ts';
import { address, changeState, pageState } from '../state/router.ts';
import { capabilities, mayDo } from '../state/session.ts';
import { say, sayError } from '../ui/toast.tsx';
import { isMetricName, pinnedPanel } from './service-queries.ts';

const MOST = 12;

/** The pins of the address. */
const linked = (): readonly string[] =>
  pageState.value.params.filter(([name, value]) => name === 'pin' && isMetricName(value)).map(([, value]) => value);

function setLinked(next: readonly string[]): void {
  const others = pageState.value.params.filter(([name]) => name !== 'pin');
  changeState({ params: [...others, ...next.map((metric) => ['pin', metric] as const)] }, true);
}

function Pinned({
  service,
  metric,
  remove,
}: {
  service: string;
  metric: string;
  remove: (() => void) | undefined;
}): JSX.Element {
  const panel = useMemo(() => pinnedPanel(service, metric), [service, metric]);
  return (
    <div class="c6 half pinned">
      <PanelCard panel={panel} />
      {remove !== undefined && (
        <button type="button" class="btn sm" aria-label={`Remove ${metric} from this page`} onClick={remove}>
          Unpin
        </button>
      )}
    </div>
  );
}

interface Pins {
  readonly metrics: readonly string[];
  readonly pin: (metric: string) => void;
  /** Undefined when this user may not take it away. */
  readonly unpin: (metric: string) => (() => void) | undefined;
}

function usePins(service: string): Pins {
  const isKept = capabilities.value?.includes('pins') === true;
  const kept = useResource<PinsAnswer>(isKept ? address('/api/pins', { service }) : undefined);
  const own = linked();
  const shared = kept.data?.metrics ?? [];
  const mayKeep = isKept && mayDo('editor');
  const change = async (method: 'POST' | 'DELETE', metric: string): Promise<void> => {
    try {
      if (method === 'POST') await sendJson('POST', '/api/pins', { service, metric });
      else await sendJson('DELETE', address('/api/pins', { service, metric }));
      const undo = (): Promise<void> => change(method === 'POST' ? 'DELETE' : 'POST', metric);
      say(method === 'POST' ? 'Pinned for everybody.' : 'Unpinned for everybody.', { undo });
    } catch (error) {
      sayError(error);
    }
    kept.reload();
  };
  return {
    metrics: [...new Set([...shared, ...own])],
    pin: (metric) => (mayKeep ? void change('POST', metric) : setLinked([...own, metric])),
    unpin(metric) {
      if (own.includes(metric)) return () => setLinked(own.filter((one) => one !== metric));
      return mayKeep ? () => void change('DELETE', metric) : undefined;
    },
  };
}

export function Pins({ service }: { service: string }): JSX.Element {
  const [note, setNote] = useState('');
  const own = useResource<{ data: readonly string[] }>(
    `/api/v1/label/__name__/values?${new URLSearchParams({ 'match[]': `{job=${quoted(service)}}` })}`,
  );
  const { metrics, pin, unpin } = usePins(service);
  const add = (metric: string): void => {
    if (!isMetricName(metric)) setNote('This is no name of a metric.');
    else if (metrics.length >= MOST) setNote(`At most ${MOST} metrics can be pinned.`);
    else {
      setNote('');
      if (!metrics.includes(metric)) pin(metric);
    }
  };
  return (
    <>
      {metrics.map((metric) => (
        <Pinned key={metric} service={service} metric={metric} remove={unpin(metric)} />
      ))}
      <form
        class="filters c12 pin-form"
        aria-label="Pin a metric"
        onSubmit={(event) => {
          event.preventDefault();
          const metric = new FormData(event.currentTarget).get('metric');
          add(typeof metric === 'string' ? metric.trim() : '');
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

/** What to do next in the first minutes. Each step ticks itself when it is done, by whatever way. */
import type { JSX } from 'preact';
import type { ConnectAnswer, SampleAnswer } from '../../monitor/api/care-contract.ts';
import { sendJson, useResource } from '../state/api.ts';
import { closeCard, closedCards } from '../state/preferences.ts';
import { mayDo } from '../state/session.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { say, sayError } from '../ui/toast.tsx';

const EVERY_MS = 5_000;
const CARD = 'next';

const ENDED: Readonly<Record<'real_traffic' | 'stopped', string>> = {
  real_traffic: 'It stopped when other requests came.',
  stopped: 'It was stopped.',
};

/** The sample traffic, when this server has one. A server without answers 404. */
export function useSample(): { readonly sample: SampleAnswer | undefined; readonly reload: () => void } {
  const { data, reload } = useResource<SampleAnswer>('/api/sample', EVERY_MS);
  return { sample: data, reload };
}

export const isNextShown = (): boolean => !closedCards.value.includes(CARD);

function Step({
  done,
  title,
  children,
}: {
  done: boolean;
  title: string;
  children: JSX.Element | string;
}): JSX.Element {
  return (
    <li>
      <StatusIcon status={done ? 'ok' : 'unknown'} label={done ? 'Done' : 'To do'} />
      <span>
        <b>{title}</b>
        <small class="muted">{children}</small>
      </span>
    </li>
  );
}

function stop(reload: () => void): void {
  sendJson('POST', '/api/sample/stop')
    .then(() => {
      say('The sample traffic has stopped.');
      return reload();
    })
    .catch(sayError);
}

export function NextSteps({ sample, reload }: { sample: SampleAnswer | undefined; reload: () => void }): JSX.Element {
  const connect = useResource<ConnectAnswer>('/api/connect', EVERY_MS);
  const received = (connect.data?.received.length ?? 0) > 0;
  const balancer = connect.data?.balancer ?? null;
  const real = sample !== undefined && sample.all_last_minute - sample.own_last_minute > 0;
  return (
    <section class="card c4 next" aria-label="Next steps">
      <div class="hd">
        <h2>Next steps</h2>
        <button type="button" class="more" aria-label="Close the next steps" onClick={() => closeCard(CARD)}>
          <Icon name="close" small />
        </button>
      </div>
      <ol>
        <Step done title="Look around">
          What you see is alive: two sample services behind the balancer.
        </Step>
        <Step done={real} title="Send a request">
          {balancer === null ? 'Through your balancer.' : `curl http://${balancer}/api/accounts`}
        </Step>
        <Step done={received} title="Connect your app">
          The lines are beside this.
        </Step>
        <Step done={false} title="Run it behind the balancer">
          vitrine run -- node server.js
        </Step>
      </ol>
      {sample !== undefined && (
        <p class="sample-note">
          <span class="tag-sample">sample</span>
          {sample.running ? 'About two requests a second come from Vitrine itself.' : ENDED[sample.ended ?? 'stopped']}
          {sample.running && mayDo('editor') && (
            <button type="button" class="btn sm" onClick={() => stop(reload)}>
              Stop it
            </button>
          )}
        </p>
      )}
    </section>
  );
}

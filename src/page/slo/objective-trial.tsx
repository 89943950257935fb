/** Tries an objective over requests before it is configured: its past, counted from the ledger, and what to write into the file. */
import type { JSX } from 'preact';
import type { ObjectiveJson } from '../../monitor/api/targets/contract.ts';
import { useResource } from '../state/api.ts';
import { address, param, setParams } from '../state/router.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';
import { Months } from './objective-months.tsx';
import { objectiveYaml, TRIAL_KEYS, triedFrom, type Tried } from './tried-objective.ts';

const EVERY_MS = 60_000;
const CLOSED = Object.fromEntries([...TRIAL_KEYS, 'try'].map((key) => [key, undefined]));

function Field(props: {
  name: keyof Tried;
  label: string;
  of: Tried;
  placeholder: string;
  wide?: boolean;
}): JSX.Element {
  const { name, label, of, placeholder, wide = false } = props;
  return (
    <label class={wide ? 'grow' : ''}>
      {label}
      <input
        name={name}
        defaultValue={of[name]}
        placeholder={placeholder}
        required={name !== 'total'}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  );
}

function Form({ of }: { of: Tried }): JSX.Element {
  const submit = (event: SubmitEvent & { currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const textOf = (key: string): string => {
      const given = form.get(key);
      return typeof given === 'string' ? given.trim() : '';
    };
    setParams(Object.fromEntries(TRIAL_KEYS.map((key) => [key, textOf(key)])));
  };
  return (
    <form class="target-form" onSubmit={submit}>
      <Field name="total" label="Requests that count" of={of} placeholder="route:/checkout* (all when empty)" wide />
      <Field name="good" label="Good ones" of={of} placeholder="status:<500 duration:<300ms" wide />
      <Field name="objective" label="Share that must be good" of={of} placeholder="99.9%" />
      <Field name="window" label="Window" of={of} placeholder="30d" />
      <button type="submit" class="btn primary">
        Count the past
      </button>
    </form>
  );
}

function Outcome({ of }: { of: Tried }): JSX.Element {
  const found = useResource<ObjectiveJson>(address('/api/slo/preview', { ...of }), EVERY_MS);
  const yaml = objectiveYaml(of);
  return (
    <Loaded
      of={found}
      height={200}
      isEmpty={({ events }) => (events?.total ?? 0) === 0}
      empty={<Empty text="No request in the ledger matches the filter of requests that count." />}
    >
      {(one) => (
        <div class="trial">
          <div>
            <Months of={one} withWindow />
          </div>
          <div class="trial-file">
            <p class="muted">
              For the configuration file <CopyButton text={yaml} what="Objective" />
            </p>
            <pre class="excerpt">{yaml}</pre>
          </div>
        </div>
      )}
    </Loaded>
  );
}

export function ObjectiveTrial(): JSX.Element {
  const tried = triedFrom(param);
  return (
    <section class="card c12" aria-label="Try an objective">
      <div class="hd">
        <h2>Try an objective</h2>
        <span class="sub">over the requests that were served; nothing is changed</span>
        <button type="button" class="btn sm icon ghost" aria-label="Close the form" onClick={() => setParams(CLOSED)}>
          <Icon name="close" small />
        </button>
      </div>
      <Form key={JSON.stringify(tried)} of={tried} />
      {tried.good !== '' && <Outcome of={tried} />}
    </section>
  );
}

/** Makes or changes a target by a form. What the form has no field for stays as it is. */
import type { JSX } from 'preact';
import { sendJson, useResource } from '../state/api.ts';
import { go, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { fieldsOf, FORM_KINDS, hasSecrets, writtenOf, type TargetFields, type Written } from './target-fields.ts';

interface FormProps {
  /** `new`, or the id of the target to change. */
  readonly id: string;
  readonly saved: () => void;
}

const close = (): void => setParams({ edit: undefined });

function Text(props: {
  name: keyof TargetFields;
  label: string;
  of: TargetFields;
  placeholder?: string;
  required?: boolean;
  wide?: boolean;
}): JSX.Element {
  const { name, label, of, placeholder, required = false, wide = false } = props;
  return (
    <label class={wide ? 'grow' : ''}>
      {label}
      <input
        name={name}
        defaultValue={String(of[name])}
        placeholder={placeholder}
        required={required}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  );
}

function Fields({ of, isNew }: { of: TargetFields; isNew: boolean }): JSX.Element {
  return (
    <>
      <Text name="name" label="Name" of={of} placeholder="shop" required />
      {of.kind !== 'other' && (
        <>
          <label>
            Checked as
            <select name="kind">
              {FORM_KINDS.map(({ kind, title }) => (
                <option key={kind} value={kind} selected={kind === of.kind}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <Text
            name="address"
            label="Address, or the longest silence"
            of={of}
            placeholder="https://shop.example"
            required
            wide
          />
        </>
      )}
      <Text name="interval" label="Every" of={of} placeholder="30s" />
      <Text name="timeout" label="Time-out" of={of} placeholder="10s" />
      <Text name="status" label="Status" of={of} placeholder="2xx" />
      <Text name="latency" label="Time" of={of} placeholder="<300ms" />
      <Text name="group" label="Group" of={of} placeholder="web" />
      <Text name="tags" label="Tags" of={of} placeholder="eu, checkout" />
      <Text name="depends_on" label="Depends on" of={of} placeholder="db" />
      <label class="check">
        <input type="checkbox" name="competitor" defaultChecked={of.competitor} /> A competitor’s: it never pages
      </label>
      <label class="check">
        <input type="checkbox" name="enabled" defaultChecked={of.enabled} /> Checked
      </label>
      <button type="submit" class="btn primary">
        {isNew ? 'Make the target' : 'Save'}
      </button>
    </>
  );
}

function Form({ id, before, saved }: FormProps & { before: Written }): JSX.Element {
  const isNew = id === 'new';
  const submit = (event: SubmitEvent & { currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const written = writtenOf(new FormData(event.currentTarget), before);
    const sent = isNew
      ? sendJson<{ id: string }>('POST', '/api/targets', written)
      : sendJson<{ id: string }>('PUT', `/api/targets/${encodeURIComponent(id)}`, written);
    sent
      .then((made) => {
        say(isNew ? 'The target is checked from now on.' : 'The target is changed.');
        saved();
        return go(`/targets/${encodeURIComponent(made.id)}`);
      })
      .catch(sayError);
  };
  return (
    <form class="target-form" onSubmit={submit}>
      <Fields of={fieldsOf(before)} isNew={isNew} />
    </form>
  );
}

const EMPTY = { data: {} as Written, error: undefined, slow: false, loadedAtMs: 0, reload: () => {}, cancel: () => {} };

export function TargetForm({ id, saved }: FormProps): JSX.Element | null {
  const asked = useResource<Written>(id === 'new' ? undefined : `/api/targets/${encodeURIComponent(id)}/config`);
  if (!mayDo('editor')) return null;
  return (
    <section class="card c12" aria-label={id === 'new' ? 'A new target' : 'Change the target'}>
      <div class="hd">
        <h2>{id === 'new' ? 'A new target' : 'Change the target'}</h2>
        <button type="button" class="btn sm icon ghost" aria-label="Close the form" onClick={close}>
          <Icon name="close" small />
        </button>
      </div>
      <Loaded of={id === 'new' ? EMPTY : asked} height={96}>
        {(before) =>
          hasSecrets(before) ? (
            <Empty text="This target has a password or a token, which the page does not get. Change it by the API: PUT /api/targets/ID." />
          ) : (
            <Form key={id} id={id} before={before} saved={saved} />
          )
        }
      </Loaded>
    </section>
  );
}

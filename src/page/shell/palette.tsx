/**
 * The command palette: one field that finds pages, services, routes, alerts, metrics and actions, and opens a pasted id. A
 * combobox with a list of options as the ARIA practices describe it: the focus stays in the field, arrows move the choice.
 */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { useResource } from '../state/api.ts';
import { frame } from '../state/connection.ts';
import { bestOf } from '../state/fuzzy.ts';
import { go } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { paletteActions } from './actions.ts';
import { visiblePages } from './navigation.ts';
import type { PaletteItem } from './palette-items.ts';
import { itemsOf, pastedItem } from './palette-items.ts';

const MOST = 40;

function useItems(typed: string): readonly PaletteItem[] {
  const services = useResource<ServicesAnswer>('/api/services');
  const metrics = useResource<{ data: readonly string[] }>('/api/v1/label/__name__/values');
  // The figures change each second; the palette keeps what was there when it opened.
  const opened = useRef(frame.peek());
  const items = useMemo(
    () =>
      itemsOf(
        {
          pages: visiblePages(),
          services: services.data?.services ?? [],
          routes: opened.current?.current.routes ?? [],
          alerts: opened.current?.alerts ?? [],
          metrics: metrics.data?.data ?? [],
          actions: paletteActions(),
        },
        typed,
      ),
    [services.data, metrics.data, typed.trim() === ''],
  );
  return useMemo(() => {
    const pasted = pastedItem(typed, location.origin);
    const found = bestOf(items, ({ title, detail }) => `${title} ${detail}`, typed, MOST);
    return pasted === undefined ? found : [pasted, ...found];
  }, [items, typed]);
}

function run(item: PaletteItem, close: () => void): void {
  close();
  if (typeof item.open === 'string') go(item.open);
  else item.open();
}

function Option(props: { item: PaletteItem; id: string; chosen: boolean; pick: () => void }): JSX.Element {
  const { item, id, chosen, pick } = props;
  return (
    <li id={id} role="option" aria-selected={chosen} onClick={pick}>
      <Icon name={item.icon} small />
      <span class="cut">
        <Name of={item.title} most={100} />
        {item.detail !== '' && <span class="muted"> {item.detail}</span>}
      </span>
      <span class="muted group-name">{item.group}</span>
      {item.keys !== '' && (
        <span class="keys">
          {item.keys.split(' ').map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </span>
      )}
    </li>
  );
}

export function Palette({ close }: { close: () => void }): JSX.Element {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const items = useItems(typed);
  const chosen = Math.min(at, items.length - 1);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    dialog.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen, items]);
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && items.length > 0) {
      event.preventDefault();
      setAt((chosen + step + items.length) % items.length);
    }
    if (event.key === 'Enter' && items[chosen] !== undefined) {
      event.preventDefault();
      run(items[chosen], close);
    }
  };
  return (
    <dialog ref={dialog} class="palette" aria-label="Search or jump to" onClose={close}>
      <label class="field">
        <Icon name="search" />
        <input
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={items.length > 0 ? `option-${chosen}` : undefined}
          aria-label="Search pages, services, routes, alerts, metrics, or paste an id"
          placeholder="Page, service, route, alert, metric, or an id"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          autofocus
          onInput={(event) => {
            setTyped(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKey}
        />
        <button type="button" class="btn icon ghost" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </button>
      </label>
      <ul id="palette-list" role="listbox" aria-label="Found">
        {items.map((item, index) => (
          <Option
            key={item.id}
            item={item}
            id={`option-${index}`}
            chosen={index === chosen}
            pick={() => run(item, close)}
          />
        ))}
      </ul>
      <p class="muted foot" role="status">
        {items.length === 0
          ? 'Nothing has this name. An id is found when it is pasted whole.'
          : `${items.length === MOST ? 'First ' : ''}${items.length} found. ↑ ↓ choose, Enter opens.`}
      </p>
    </dialog>
  );
}

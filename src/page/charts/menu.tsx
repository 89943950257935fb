/** A button with a menu under it. The menu is a popover: Escape and a click elsewhere close it, and the focus returns. */
import type { ComponentChildren, JSX } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

export interface MenuItem {
  readonly label: string;
  /** The key that does the same. */
  readonly keys?: string;
  readonly act: () => void;
  /** For an item that is on or off. */
  readonly checked?: boolean;
  readonly disabled?: boolean;
}

/** Groups are separated by lines. */
export type MenuGroup = readonly (MenuItem | false | undefined)[];

const GAP = 4;
const EDGE = 8;

function place(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = menu;
  const left = Math.max(EDGE, Math.min(innerWidth - offsetWidth - EDGE, at.right - offsetWidth));
  const below = at.bottom + GAP;
  const fits = below + offsetHeight <= innerHeight - EDGE;
  menu.style.left = `${left}px`;
  menu.style.top = `${fits ? below : Math.max(EDGE, at.top - offsetHeight - GAP)}px`;
}

function onKeys(event: KeyboardEvent, menu: HTMLElement): void {
  const items = [...menu.querySelectorAll<HTMLElement>('button:not(:disabled)')];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const next: Readonly<Record<string, number>> = {
    ArrowDown: (at + 1) % items.length,
    ArrowUp: (at - 1 + items.length) % items.length,
    Home: 0,
    End: items.length - 1,
  };
  if (!Object.hasOwn(next, event.key)) return;
  event.preventDefault();
  items[next[event.key]]?.focus();
}

export function Menu(props: {
  label: string;
  className?: string;
  groups: () => readonly MenuGroup[];
  children: ComponentChildren;
}): JSX.Element {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  // Only an open menu has items: a page with many panels would have hundreds of hidden buttons.
  const [open, setOpen] = useState(false);
  useLayoutEffect(() => {
    if (!open || menu.current === null || button.current === null) return;
    place(menu.current, button.current);
    menu.current.querySelector<HTMLElement>('button')?.focus();
  }, [open]);
  const choose = (item: MenuItem): void => {
    menu.current?.hidePopover();
    item.act();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class={props.className ?? 'more'}
        aria-label={props.label}
        title={props.label}
        aria-haspopup="menu"
        popovertarget={id}
      >
        {props.children}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        class="menu"
        aria-label={props.label}
        onKeyDown={(event) => menu.current && onKeys(event, menu.current)}
        onToggle={(event) => setOpen(event.newState === 'open')}
      >
        {(open ? props.groups() : []).map((group, at) => (
          <div key={at} role="group">
            {group.map(
              (item) =>
                item && (
                  <button
                    key={item.label}
                    type="button"
                    role={item.checked === undefined ? 'menuitem' : 'menuitemcheckbox'}
                    aria-checked={item.checked}
                    disabled={item.disabled}
                    onClick={() => choose(item)}
                  >
                    <span class="tick" aria-hidden="true">
                      {item.checked === true ? '✓' : ''}
                    </span>
                    {item.label}
                    {item.keys !== undefined && <kbd>{item.keys}</kbd>}
                  </button>
                ),
            )}
          </div>
        ))}
      </div>
    </>
  );
}

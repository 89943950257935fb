/** A button whose second click acts: for what cannot be undone. Leaving it takes the first click back. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

export function SureButton(props: {
  readonly title: string;
  readonly sure: string;
  /** Read to those who do not see the row. */
  readonly what: string;
  readonly act: () => void;
}): JSX.Element {
  const [sure, setSure] = useState(false);
  return (
    <button
      type="button"
      class={sure ? 'btn sm danger' : 'btn sm'}
      onBlur={() => setSure(false)}
      onClick={() => {
        if (sure) props.act();
        else setSure(true);
      }}
    >
      {sure ? props.sure : props.title}
      <span class="vh"> {props.what}</span>
    </button>
  );
}

/** The button on every tile, table and card with numbers that says how they are computed. Its dialog is loaded when it opens. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Computation } from '../../../dashboards/computed.ts';
import { Icon } from '../../ui/icons.tsx';
import { lazily } from '../../ui/lazily.tsx';

const Dialog = lazily<{ of: Computation; onClose: () => void }>(
  async () => (await import('../dialogs/computed-figures.tsx')).ComputedFigures,
);

export function HowComputed({ of }: { of: Computation }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="more how"
        aria-label={`How ${of.title} is computed`}
        title="How it is computed"
        onClick={() => setOpen(true)}
      >
        <Icon name="formula" small />
      </button>
      {open && <Dialog of={of} onClose={() => setOpen(false)} />}
    </>
  );
}

/** A key figure on a tile: title, value, what it was or what belongs to it, a line since then, and how it is computed. */
import type { ComponentChildren, JSX } from 'preact';
import type { Computation } from '../../../dashboards/computed.ts';
import type { Figure } from '../../state/format.ts';
import { StatusIcon } from '../../ui/icons.tsx';
import type { Status } from '../../ui/status.ts';
import { HowComputed } from './how-computed.tsx';
import { Sparkline } from './sparkline.tsx';

export interface TileProps {
  readonly id: string;
  readonly computed: Computation;
  readonly figures: readonly Figure[];
  readonly status?: Status | '' | undefined;
  /** Before the note, in the colour of the state. */
  readonly change?: string;
  readonly note: ComponentChildren;
  readonly values?: readonly (number | null)[] | undefined;
  readonly children?: ComponentChildren;
}

const COLOURS: Readonly<Record<string, string>> = { crit: 'crit-mark', warn: 'warn-mark' };

export function Tile(props: TileProps): JSX.Element {
  const { id, computed, figures, status, change = '', note, values = [], children } = props;
  const bad = status === 'crit' || status === 'warn' ? status : '';
  return (
    <div class="card kpi" data-kpi={id}>
      <h2>
        {computed.title}
        {bad !== '' && <StatusIcon status={bad} />}
      </h2>
      <HowComputed of={computed} />
      <div class="v">
        {figures.map(({ value, unit }, at) => (
          <span key={at}>
            {value}
            <small>{unit}</small>
          </span>
        ))}
      </div>
      <div class="d">
        {change !== '' && (
          <>
            <b class={bad}>{change}</b>
            <span class="sep"> · </span>
          </>
        )}
        {note}
      </div>
      {values.length > 0 && <Sparkline values={values} colour={COLOURS[bad] ?? 'p50'} />}
      {children}
    </div>
  );
}

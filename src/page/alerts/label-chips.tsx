/** Labels as chips. */
import type { JSX } from 'preact';
import { Name } from '../ui/name.tsx';

interface ChipsProps {
  readonly labels: Readonly<Record<string, string>>;
  readonly without: readonly string[];
}

export function Chips({ labels, without }: ChipsProps): JSX.Element {
  const shown = Object.entries(labels).filter(([name]) => !without.includes(name));
  return (
    <span class="chips inline">
      {shown.map(([name, value]) => (
        <span class="chip mono" key={name}>
          <Name of={`${name}=${value}`} most={80} />
        </span>
      ))}
    </span>
  );
}

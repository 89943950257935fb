/** The time range in the bar, between the buttons that move it. */
import type { JSX } from 'preact';
import { TimePicker } from './time-picker.tsx';
import { MoveButton } from './zoom-buttons.tsx';

export function RangeGroup(): JSX.Element {
  return (
    <div class="group" role="group" aria-label="Time range">
      <MoveButton move="earlier" />
      <TimePicker />
      <MoveButton move="later" />
      <MoveButton move="wider" />
      <MoveButton move="closer" />
    </div>
  );
}

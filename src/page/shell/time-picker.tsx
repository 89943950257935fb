/**
 * The time range of every page: presets, free text, recently used ranges and the zone, in a popover under the bar. The
 * button says the range, how it moves, and how far apart the points are.
 */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockTime, dateTime } from '../state/format.ts';
import { growingSinceMs, isMoving, rangeSpec, setRange, shown, viewNowMs } from '../state/range.ts';
import { readRange } from '../state/range-text.ts';
import { changeState, pageState } from '../state/router.ts';
import { isAbsolute } from '../state/time-bound.ts';
import type { RangeMode, RangeSpec } from '../state/time-range.ts';
import { PRESETS, resolveRange, titleOf } from '../state/time-range.ts';
import { isZone, zoneName } from '../state/zoned-time.ts';
import { Icon } from '../ui/icons.tsx';
import { MoveButtons } from './zoom-buttons.tsx';

const KEY = 'vitrine.ranges';
const MAX_RECENT = 5;

const isSpec = (value: unknown): value is RangeSpec =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as RangeSpec).from === 'string' &&
  typeof (value as RangeSpec).to === 'string';

function storedRanges(): readonly RangeSpec[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isSpec).slice(0, MAX_RECENT) : [];
  } catch {
    // Storage may be forbidden or hold something else: then no range is remembered.
    return [];
  }
}

const recent = signal<readonly RangeSpec[]>([]);

function remember(range: RangeSpec): void {
  if (!isAbsolute(range.from)) return;
  const others = recent.value.filter(({ from, to }) => from !== range.from || to !== range.to);
  recent.value = [range, ...others].slice(0, MAX_RECENT);
  try {
    localStorage.setItem(KEY, JSON.stringify(recent.value));
  } catch {
    // Storage may be forbidden: the ranges are then remembered until the page is closed.
  }
}

/** A range in words, with the date when it is not today. */
export function wordsOf(range: RangeSpec): string {
  const title = titleOf(range);
  if (title !== undefined) return title;
  const { zone } = pageState.value;
  const found = resolveRange(range, viewNowMs.value, zone);
  if (found === undefined) return 'Last 15 min';
  const today = dateTime(viewNowMs.value).slice(0, 10);
  const write = (ms: number, other = today): string =>
    dateTime(ms).startsWith(other) ? clockTime(ms, 'minutes') : dateTime(ms);
  if (range.to === 'now') return `Since ${write(found.fromMs)}`;
  return `${write(found.fromMs)} – ${write(found.toMs, dateTime(found.fromMs).slice(0, 10))}`;
}

const MODES: Readonly<Record<RangeMode, string>> = {
  sliding: 'Sliding: both ends move with the time.',
  growing: 'Growing: the start stays, the end is now.',
  fixed: 'Fixed: neither end moves.',
};

export function stepWords(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${seconds / 60} min`;
  return seconds < 172_800 ? `${seconds / 3_600} h` : `${seconds / 86_400} d`;
}

const close = (): void => document.querySelector<HTMLElement>('#time-picker')?.hidePopover();

function choose(range: RangeSpec): void {
  remember(range);
  setRange(range);
  close();
}

function FreeText(): JSX.Element {
  const [note, setNote] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <form
      class="free"
      onSubmit={(event) => {
        event.preventDefault();
        const found = readRange(input.current?.value ?? '', viewNowMs.value, pageState.value.zone);
        if (found.ok) choose(found.range);
        else setNote(found.reason);
      }}
    >
      <label>
        Any range
        <input
          ref={input}
          name="range"
          class="mono"
          autocomplete="off"
          spellcheck={false}
          placeholder="6h, now-1d/d, Mon 09:00 - 10:00"
          aria-invalid={note !== ''}
          aria-describedby="range-note"
        />
      </label>
      <button type="submit" class="btn">
        Show
      </button>
      <p id="range-note" class={note === '' ? 'muted' : 'crit'} role="status">
        {note === '' ? 'Also since 08:00, 2026-11-30 14:00 - 15:00, or seconds since the epoch.' : note}
      </p>
    </form>
  );
}

function Zone(): JSX.Element {
  const { zone } = pageState.value;
  const [note, setNote] = useState('');
  const names = Intl.supportedValuesOf('timeZone');
  return (
    <div class="zone">
      <div class="seg" role="group" aria-label="Time zone">
        {(['local', 'utc'] as const).map((one) => (
          <button key={one} type="button" aria-pressed={zone === one} onClick={() => changeState({ zone: one })}>
            {one === 'utc' ? 'UTC' : 'Local'}
          </button>
        ))}
      </div>
      <label>
        Time zone
        <input
          list="zones"
          value={zoneName(zone)}
          spellcheck={false}
          onChange={(event) => {
            const name = event.currentTarget.value.trim();
            const known = isZone(name);
            setNote(known ? '' : 'This time zone is not known.');
            if (known) changeState({ zone: name === zoneName('local') ? 'local' : name });
          }}
        />
        <datalist id="zones">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      {note !== '' && (
        <p class="crit" role="status">
          {note}
        </p>
      )}
    </div>
  );
}

function Choices(): JSX.Element {
  const range = rangeSpec.value;
  const { live } = pageState.value;
  const { mode, stepMs } = shown.value;
  const Row = ({ of, title }: { of: RangeSpec; title: string }): JSX.Element => (
    <button
      type="button"
      class="item"
      aria-pressed={of.from === range.from && of.to === range.to}
      onClick={() => choose(of)}
    >
      {title}
    </button>
  );
  return (
    <>
      <FreeText />
      <div class="lists">
        <div role="group" aria-label="Presets">
          {PRESETS.map(({ title, from, to }) => (
            <Row key={title} of={{ from, to }} title={title} />
          ))}
        </div>
        <div role="group" aria-label="Recently used">
          <h3>Recently used</h3>
          {recent.value.length === 0 && <p class="muted">Ranges with a date come here.</p>}
          {recent.value.map((one) => (
            <Row key={`${one.from}-${one.to}`} of={one} title={wordsOf(one)} />
          ))}
        </div>
      </div>
      <MoveButtons />
      <p class="mode muted">
        {MODES[mode]} One point covers {stepWords(stepMs)}.
      </p>
      <label class="check">
        <input
          type="checkbox"
          checked={live === 'always'}
          onChange={(event) => changeState({ live: event.currentTarget.checked ? 'always' : 'live' }, true)}
        />
        Keep redrawing in the background, for a wall screen
      </label>
      <Zone />
    </>
  );
}

export function TimePicker(): JSX.Element {
  const [open, setOpen] = useState(false);
  const { mode, stepMs } = shown.value;
  const since = growingSinceMs.value;
  const words = since === undefined ? wordsOf(rangeSpec.value) : `Since ${clockTime(since, 'minutes')}`;
  useEffect(() => {
    recent.value = storedRanges();
  }, []);
  return (
    <>
      <button
        type="button"
        class="btn range"
        popovertarget="time-picker"
        aria-haspopup="dialog"
        aria-expanded={open}
        title="Every chart shows this range (t)"
      >
        <Icon name="clock" small />
        <span class="cut">{words}</span>
        <span class="muted d">
          · {stepWords(stepMs)} points · {isMoving.value ? mode : mode === 'fixed' ? 'fixed' : 'paused'}
        </span>
        <Icon name="down" small />
      </button>
      <div
        id="time-picker"
        class="popover time"
        popover="auto"
        role="dialog"
        aria-label="Time range"
        onToggle={(event) => setOpen(event.newState === 'open')}
      >
        {open && <Choices />}
      </div>
    </>
  );
}

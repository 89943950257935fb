/**
 * The one time range of every page, as signals: what the address says (`rangeSpec`), and the times that it means now
 * (`shown`). While Vitrine has run for less than the default range and stores nothing older, the default range is the time
 * since its start, which grows, because an axis without possible data is useless.
 */
import { computed, signal } from '@preact/signals';
import { frame } from './connection.ts';
import { changeState, pageState } from './router.ts';
import type { RangeSpec, ShownRange } from './time-range.ts';
import { DEFAULT_RANGE, modeOf, rangeBetween, resolveRange, shifted, stepOf, zoomed } from './time-range.ts';

export const STEP_MS = 15_000;
export const RANGE_MS = 900_000;
/** A chart needs at least this much time. */
const LEAST_MS = 120_000;

/** The earliest value that any chart was given. */
const earliestMs = signal(Infinity);

/** Called when a chart has a value of that time. */
export function noteValueAt(timeMs: number): void {
  if (timeMs < earliestMs.peek()) earliestMs.value = timeMs;
}

/** Where a growing range begins, on a step; undefined when it slides. Pure. */
export function growingFrom(nowMs: number, beganMs: number): number | undefined {
  if (!(beganMs > nowMs - RANGE_MS)) return undefined;
  return Math.floor(Math.min(beganMs, nowMs - LEAST_MS) / STEP_MS) * STEP_MS;
}

export const rangeSpec = computed<RangeSpec>(() => pageState.value.range ?? DEFAULT_RANGE);

/** The server's time, or the moment at which the view was paused. Before the first frame the browser's time. */
export const viewNowMs = computed(() => {
  const { live } = pageState.value;
  return typeof live === 'number' ? live : (frame.value?.timeMs ?? Date.now());
});

/** The start of the charts while the default range grows; undefined otherwise. */
export const growingSinceMs = computed(() => {
  const now = frame.value;
  if (now === undefined || pageState.value.range !== undefined) return undefined;
  return growingFrom(viewNowMs.value, Math.min(now.timeMs - now.health.uptime_seconds * 1_000, earliestMs.value));
});

/** Keeps the last object while nothing in it changes, so that charts are not told of every second. */
function kept(): (next: ShownRange) => ShownRange {
  let last: ShownRange | undefined;
  return (next) => {
    const same =
      last?.fromMs === next.fromMs && last.toMs === next.toMs && last.stepMs === next.stepMs && last.mode === next.mode;
    if (!same) last = next;
    return last ?? next;
  };
}
const keepAsked = kept();
const keepShown = kept();

/**
 * The times that the address asks for, on whole steps. A range that cannot be resolved (it ends before it begins) is the
 * default range.
 */
export const asked = computed<ShownRange>(() => {
  const nowMs = viewNowMs.value;
  const spec = rangeSpec.value;
  const found = resolveRange(spec, nowMs, pageState.value.zone);
  const { fromMs, toMs } = found ?? { fromMs: nowMs - RANGE_MS, toMs: nowMs };
  const stepMs = stepOf(toMs - fromMs);
  const endMs = Math.floor(toMs / stepMs) * stepMs;
  const mode = modeOf(found === undefined ? DEFAULT_RANGE : spec);
  // A sliding range always has the same number of points.
  const startMs =
    mode === 'sliding' ? endMs - Math.round((toMs - fromMs) / stepMs) * stepMs : Math.floor(fromMs / stepMs) * stepMs;
  return keepAsked({ fromMs: startMs, toMs: endMs, stepMs, mode });
});

/** The times of every chart: `asked`, or the time since the start. */
export const shown = computed<ShownRange>(() => {
  const since = growingSinceMs.value;
  return keepShown(since === undefined ? asked.value : { ...asked.value, fromMs: since, mode: 'growing' });
});

/** True when new data changes the charts: the range moves and the view is not paused. */
export const isMoving = computed(() => typeof pageState.value.live !== 'number' && shown.value.mode !== 'fixed');

/** `from` and `to` of a search over records: an end that moves is left to the server. */
export const searchTimes = computed<Readonly<Record<string, string>>>(() => {
  const { fromMs, toMs, mode } = asked.value;
  const ends = mode === 'fixed' || typeof pageState.value.live === 'number';
  return { from: String(fromMs), ...(ends ? { to: String(toMs) } : {}) };
});

/** How many steps of the default range are shown. */
export const shownSteps = computed(() => {
  const since = growingSinceMs.value;
  return (since === undefined ? RANGE_MS : viewNowMs.value - since) / STEP_MS;
});

/** Shows a range on every page. Back returns to the range before. */
export function setRange(range: RangeSpec): void {
  changeState({ range, live: modeOf(range) === 'fixed' ? 'live' : pageState.value.live });
}

/** Zooms every chart to the time between two points. */
export const zoomTo = (fromMs: number, toMs: number): void =>
  setRange(rangeBetween(Math.min(fromMs, toMs), Math.max(fromMs, toMs), viewNowMs.value));

export const zoomOut = (): void => setRange(zoomed(rangeSpec.value, shown.value, 2));
export const zoomIn = (): void => setRange(zoomed(rangeSpec.value, shown.value, 0.5));
export const shiftRange = (direction: -1 | 1): void => setRange(shifted(shown.value, direction, viewNowMs.value));

/** Back to the present: the last moving range of the same length, or the default one. */
export function jumpToNow(): void {
  const { mode, fromMs, toMs } = shown.value;
  const seconds = Math.round((toMs - fromMs) / 1_000);
  changeState({ live: 'live', ...(mode === 'fixed' ? { range: { from: `now-${seconds}s`, to: 'now' } } : {}) });
}

/** Round numbers and round times for the axes of a chart. Pure. */

const WANTED = 4;

/** Three significant digits; thousands as `1.9k`. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  for (const [factor, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (size >= factor * (factor === 1e3 ? 10 : 1)) return `${Number((value / factor).toPrecision(3))}${unit}`;
  }
  return String(Number(value.toPrecision(3)));
}

/** From at or below `low` to at or above `high`, which is larger, in steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(low: number, high: number): readonly { readonly value: number; readonly text: string }[] {
  const raw = (high - low) / WANTED;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= raw * 0.999_999) ?? 10);
  // A range at the edge of what a number can hold has no round steps.
  if (!Number.isFinite(step) || step <= 0) return [low, high].map((value) => ({ value, text: shortNumber(value) }));
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_tick, index) => {
    const value = Number(((first + index) * step).toPrecision(12));
    return { value, text: shortNumber(value) };
  });
}

const MINUTE = 60_000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080].map((minutes) => minutes * MINUTE);
const MOST = 8;

/** Round times in UTC, at most eight. */
export function timeTicksOf(fromMs: number, toMs: number): readonly { readonly ms: number; readonly text: string }[] {
  const stepMs = STEPS.find((step) => (toMs - fromMs) / step <= MOST) ?? (toMs - fromMs) / MOST;
  const ticks: { ms: number; text: string }[] = [];
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= toMs && ticks.length <= MOST; ms += stepMs) {
    const iso = new Date(ms).toISOString();
    ticks.push({ ms, text: stepMs >= 1_440 * MINUTE ? iso.slice(5, 10) : iso.slice(11, 16) });
  }
  return ticks;
}

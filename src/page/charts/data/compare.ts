/** Earlier times that a chart can be compared with; the address says which (`compare=day`). Pure. */

export const COMPARISONS: readonly (readonly [value: string, label: string])[] = [
  ['', 'Compare with nothing'],
  ['before', 'Compare with the time before'],
  ['day', 'Compare with yesterday'],
  ['week', 'Compare with last week'],
];

/** How far back the ghost line of a comparison lies; 0 for none. */
export function earlierBy(comparison: string, rangeMs: number): number {
  if (comparison === 'before') return rangeMs;
  if (comparison === 'day') return 86_400_000;
  return comparison === 'week' ? 7 * 86_400_000 : 0;
}

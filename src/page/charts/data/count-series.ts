/** Counts in steps of time, for stacked bars. Pure. */

export interface CountSeries {
  readonly name: string;
  /** A class that fills the bar. */
  readonly className: string;
  /** As many as there are times. */
  readonly counts: readonly number[];
}

/** The sum of each step. */
export const totalsOf = (series: readonly CountSeries[], steps: number): readonly number[] =>
  Array.from({ length: steps }, (_, at) => series.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0));

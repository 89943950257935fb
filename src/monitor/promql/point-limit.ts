/** The limit on the points of one series in range queries of the engine, the Prometheus API and `/api/timeseries`. */

/** Prometheus' own limit (`query_range` of its API, web/api/v1). */
export const MAX_POINTS = 11_000;

/** The message for a range with too many points, with Prometheus' wording; undefined when the range is small enough. */
export function pointsTrouble(startMs: number, endMs: number, stepMs: number): string | undefined {
  if (Math.floor((endMs - startMs) / stepMs) <= MAX_POINTS) return undefined;
  const limit = MAX_POINTS.toLocaleString('en-US');
  return `exceeded maximum resolution of ${limit} points per timeseries. Try decreasing the query resolution (?step=XX)`;
}

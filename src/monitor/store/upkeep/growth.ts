/** The growth of the store, from its size every 30 seconds over the last hour, and the time until its room is used up. */

const KEEP_MS = 3_600_000;
const SPACING_MS = 30_000;
/** Shorter observations are not used, because files grow in steps. */
const WATCHED_MIN_MS = 120_000;

export class Growth {
  readonly #points: { readonly atMs: number; readonly sizeBytes: number }[] = [];

  note(atMs: number, sizeBytes: number): void {
    const last = this.#points.at(-1);
    if (last !== undefined && atMs - last.atMs < SPACING_MS) return;
    this.#points.push({ atMs, sizeBytes });
    while (this.#points[0].atMs < atMs - KEEP_MS) this.#points.shift();
  }

  /** Seconds until `roomBytes` are used up; undefined when the store does not grow or was measured for too short a time. */
  secondsUntil(roomBytes: number): number | undefined {
    const first = this.#points[0];
    const last = this.#points.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < WATCHED_MIN_MS) return undefined;
    const perSecond = ((last.sizeBytes - first.sizeBytes) * 1_000) / (last.atMs - first.atMs);
    return perSecond <= 0 ? undefined : Math.max(0, roomBytes) / perSecond;
  }
}

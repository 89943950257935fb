/**
 * When a process in which nothing happens collects its metrics: each five seconds instead of each second. A collection costs
 * processor time here, on the way and in the monitor, and its values hardly differ from the ones before.
 */

/** Time between two collections of a process in which nothing happens, if the interval is shorter. */
const IDLE_MS = 5_000;

export class IdlePace {
  readonly #period: number;
  #idleTicks = 0;

  constructor(intervalMs: number) {
    this.#period = Math.max(1, Math.floor(IDLE_MS / intervalMs));
  }

  /**
   * Called at each interval: whether metrics are collected in it. The first interval in which nothing happened is due too: the
   * metrics have settled then.
   */
  isDue(isIdle: boolean): boolean {
    if (!isIdle) {
      this.#idleTicks = 0;
      return true;
    }
    const due = this.#idleTicks % this.#period === 0;
    this.#idleTicks += 1;
    return due;
  }
}

/**
 * The targets of the configuration file as it is now. Those of `monitoring` are checked for its duration, counted from the start
 * of the monitor; a reload neither brings them back nor is undone when the duration ends.
 */
import type { Clock } from '../../base/clock.ts';
import type { Target } from '../../monitor/targets/config/compile.ts';

export interface TargetsInFile {
  /** The section `targets` first, then `monitoring`. */
  readonly all: readonly Target[];
  /** How many of them are of `monitoring`. */
  readonly monitored: number;
  /** `monitoring.duration`; undefined for ever. */
  readonly durationMs: number | undefined;
}

/** Returns a function that takes the targets of a file, and one that ends the wait for the duration. */
export function fileTargets(
  clock: Clock,
  replace: (targets: readonly Target[]) => void,
): { readonly use: (file: TargetsInFile) => void; readonly end: () => void } {
  const startMs = clock.monotonic();
  let end = (): void => {};
  return {
    use({ all, monitored, durationMs }) {
      const lasting = all.slice(0, all.length - monitored);
      const leftMs = durationMs === undefined ? Infinity : startMs + durationMs - clock.monotonic();
      replace(leftMs > 0 ? all : lasting);
      end();
      end = leftMs > 0 && leftMs < Infinity ? clock.after(leftMs, () => replace(lasting)) : () => {};
    },
    end: () => end(),
  };
}

/**
 * The signals that end `vitrine start`. They are heard before its modules are read and its parts are started, so that a start
 * that is asked to end closes what it has opened and ends with 0, and not by the signal.
 */
import { systemClock, type Clock } from '../base/clock.ts';
import { whenLauncherEnds } from '../app/process/launcher-watch.ts';

/** A part of the process object, as a test gives it. */
export interface SignalSource {
  on(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  off(signal: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  exit(code: number): void;
}

const endAtOnce = (): void => process.exit(0);

/** From now on SIGTERM is a clean end: nothing has been started yet. Until `hearEndSignals`. */
export function endBeforeStart(): void {
  process.on('SIGTERM', endAtOnce);
}

export interface EndSignals {
  /** Resolves with the first signal. From then on a second one ends the process at once. */
  readonly asked: Promise<void>;
  readonly wasAsked: () => boolean;
  /**
   * The start is over. Returns how long it still took after the signal. A start that takes longer than `limitMs` then is left
   * behind.
   */
  started(): number;
}

export interface EndSignalOptions {
  /**
   * Ctrl-C in a terminal reaches all processes of the group: the monitor of a stack ignores it, because its parent still has
   * telemetry to send.
   */
  readonly parentSaysWhen: boolean;
  readonly limitMs: number;
  readonly say: () => void;
  readonly clock?: Clock;
  readonly source?: SignalSource;
}

export function hearEndSignals(options: EndSignalOptions): EndSignals {
  const { parentSaysWhen, limitMs, say, clock = systemClock, source = process } = options;
  const asked = Promise.withResolvers<void>();
  let askedAtMs: number | undefined;
  let hasStarted = false;
  let cancelLimit = (): void => {};
  const onSignal = (): void => {
    if (askedAtMs !== undefined) {
      source.exit(130);
      return;
    }
    askedAtMs = clock.monotonic();
    say();
    if (!hasStarted) cancelLimit = clock.after(limitMs, () => source.exit(0));
    asked.resolve();
  };
  source.on('SIGTERM', onSignal);
  source.off('SIGTERM', endAtOnce);
  source.on('SIGINT', parentSaysWhen ? () => {} : onSignal);
  whenLauncherEnds(process.env, onSignal);
  return {
    asked: asked.promise,
    wasAsked: () => askedAtMs !== undefined,
    started() {
      hasStarted = true;
      cancelLimit();
      return askedAtMs === undefined ? 0 : clock.monotonic() - askedAtMs;
    },
  };
}

/** The channel to the process that forked this one, if any: frames arrive, acknowledgements and log lines are sent. */
import type { Frame, ToStack } from '../../model/frame.ts';
import type { Out } from '../../telemetry/logs/log-console.ts';

export interface ParentChannel {
  /** Receives finished log lines. The writer drops lines above a bound when the parent does not read them. */
  readonly lines: Out;
  ready(): void;
  onFrame(take: (frame: Frame) => Promise<void>): void;
  onGone(end: () => void): void;
}

/** Undefined when this process was not forked. */
export function parentChannel(): ParentChannel | undefined {
  if (process.send === undefined) return undefined;
  let waitingBytes = 0;
  // With a callback, a message to a parent that has just ended is no error of this process.
  const say = (message: ToStack, done?: () => void): void => {
    if (process.connected) process.send?.(message, undefined, undefined, () => done?.());
    else done?.();
  };
  const lines = {
    get writableLength() {
      return waitingBytes;
    },
    write(line: string): boolean {
      waitingBytes += line.length;
      say({ kind: 'line', line }, () => {
        waitingBytes -= line.length;
      });
      return true;
    },
    on: () => lines,
  };
  return {
    lines: lines as unknown as Out,
    ready: () => say({ kind: 'ready' }),
    onFrame(take) {
      process.on('message', (message: Frame) => {
        if (message.kind !== 'frame') return;
        // A frame that could not be stored was counted; it is acknowledged all the same.
        void take(message)
          .catch(() => {})
          .finally(() => say({ kind: 'ack', sequence: message.sequence }));
      });
    },
    onGone(end) {
      if (process.connected) process.once('disconnect', end);
      // It ended while this process was still starting: there will be no further event.
      else end();
    },
  };
}

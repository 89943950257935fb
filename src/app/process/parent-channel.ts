/** The channel to the process that forked this one, when there is one: frames come in, answers and log lines go out. */
import type { Frame, ToStack } from '../../model/frame.ts';
import type { Out } from '../../telemetry/logs/log-console.ts';

export interface ParentChannel {
  /** Where finished log lines go. What the parent does not take is dropped past a bound by whoever writes. */
  readonly lines: Out;
  ready(): void;
  onFrame(take: (frame: Frame) => Promise<void>): void;
  onGone(end: () => void): void;
}

/** Undefined when nobody forked this process. */
export function parentChannel(): ParentChannel | undefined {
  if (process.send === undefined) return undefined;
  let waitingBytes = 0;
  // With a callback, a message to a parent that has just gone is no error of this process.
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
        // A frame that could not be kept was counted; the next one is due either way.
        void take(message)
          .catch(() => {})
          .finally(() => say({ kind: 'ack', sequence: message.sequence }));
      });
    },
    onGone(end) {
      if (process.connected) process.once('disconnect', end);
      // It went while this process was still starting: nobody will say so again.
      else end();
    },
  };
}

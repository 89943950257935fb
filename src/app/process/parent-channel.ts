/** The channel to the process that forked this one, if any: frames arrive, acknowledgements and log lines are sent. */
import { systemClock } from '../../base/clock.ts';
import { problemOf, VitrineError } from '../../base/errors.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { CareAnswer, Frame, ToStack } from '../../model/frame.ts';
import type { RouteLesson } from '../../model/learned-route.ts';
import type { Out } from '../../telemetry/logs/log-console.ts';

export interface ParentChannel {
  /** Receives finished log lines. The writer drops lines above a bound when the parent does not read them. */
  readonly lines: Out;
  /** Asks the stack to answer a call of its runtime API. Never rejects; a stack that does not answer is `unreachable`. */
  readonly care: (call: CareCall) => Promise<CareReply>;
  /** Tells the balancer routes of the application. */
  readonly routes: (lessons: readonly RouteLesson[]) => void;
  ready(): void;
  onFrame(take: (frame: Frame) => Promise<void>): void;
  onGone(end: () => void): void;
}

/** Undefined when this process was not forked. */
export function parentChannel(): ParentChannel | undefined {
  if (process.send === undefined) return undefined;
  let waitingBytes = 0;
  // With a callback, a message to a parent that has just ended is not an error of this process.
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
    care: careOver(say),
    routes: (lessons) => say({ kind: 'routes', lessons }),
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
      // The parent ended while this process was still starting: no further event will come.
      else end();
    },
  };
}

const CARE_LIMIT_MS = 10_000;
const CARE_PENDING = 64;

function careOver(say: (message: ToStack) => void): (call: CareCall) => Promise<CareReply> {
  const pending = new Map<number, (reply: CareReply) => void>();
  let last = 0;
  process.on('message', (message: CareAnswer | Frame) => {
    if (message.kind === 'care_answer') pending.get(message.id)?.(message.reply);
  });
  const failed = (code: 'unreachable' | 'overloaded', detail: string): CareReply => {
    const problem = problemOf(new VitrineError(code, detail));
    return { status: problem.status, body: problem };
  };
  return (call) => {
    if (pending.size >= CARE_PENDING)
      return Promise.resolve(failed('overloaded', 'Too many calls wait for the balancer.'));
    last += 1;
    const id = last;
    return new Promise((resolve) => {
      const settle = (reply: CareReply): void => {
        cancel();
        pending.delete(id);
        resolve(reply);
      };
      const cancel = systemClock.after(CARE_LIMIT_MS, () =>
        settle(failed('unreachable', 'The balancer does not answer.')),
      );
      pending.set(id, settle);
      say({ kind: 'care', id, call });
    });
  };
}

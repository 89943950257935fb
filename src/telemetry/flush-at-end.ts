/**
 * Sends the last telemetry when the process has nothing left to do. Node emits `beforeExit` each time its event loop becomes
 * empty, and work that starts there keeps the process alive and causes another `beforeExit`. The application must not see that
 * second one, because its own listeners would run twice: it is swallowed, unless the application had work of its own.
 */

type Emit = typeof process.emit;

/** The next `beforeExit` reaches no listener; every other event passes. */
function swallowNextBeforeExit(): void {
  const before = process.emit.bind(process) as (...args: unknown[]) => boolean;
  // A library (`signal-exit`, for example) may have set its own `emit`.
  const own = Object.getOwnPropertyDescriptor(process, 'emit');
  const emit = function (this: unknown, ...args: unknown[]): boolean {
    if (args[0] !== 'beforeExit') return before(...args);
    if (process.emit === (emit as unknown as Emit)) {
      if (own === undefined) Reflect.deleteProperty(process, 'emit');
      else Object.defineProperty(process, 'emit', own);
    }
    return true;
  };
  process.emit = emit as unknown as Emit;
}

/** Number of resources by kind. */
function resources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** `flush` must resolve within its limit, and must keep the process alive until then and no longer. */
export function flushAtEnd(flush: () => Promise<void>): void {
  let flushing = false;
  process.on('beforeExit', () => {
    if (flushing) return;
    // The event loop is empty: the resources that are listed now do not keep the process alive.
    const idle = resources();
    const hasWork = (): boolean =>
      [...resources()].some(([kind, count]) => kind !== 'Immediate' && count > (idle.get(kind) ?? 0));
    // The listeners of the application run after this one, and the work that they start with `setImmediate` runs a turn
    // later.
    setImmediate(() =>
      setImmediate(() => {
        if (hasWork()) return;
        flushing = true;
        swallowNextBeforeExit();
        void flush().finally(() => {
          flushing = false;
        });
      }),
    );
  });
}

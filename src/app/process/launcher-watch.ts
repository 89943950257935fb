/** Notices that `npm start` was killed: npm passes signals on, except the one that ends npm at once. */

/** The end of a killed npm is noticed after this time at most. */
const LOOK_EVERY_MS = 2_000;

/**
 * Calls `gone` once when this process was started by a package manager's script and the package manager has ended. Returns a
 * function that stops the watch.
 */
export function whenLauncherEnds(env: NodeJS.ProcessEnv, gone: () => void): () => void {
  if (env['npm_lifecycle_event'] === undefined) return () => {};
  const launcher = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    gone();
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Notices that `npm start` was killed: npm hands signals on, except the one that ends it at once. */

/** A killed npm is noticed so much later. */
const LOOK_EVERY_MS = 2_000;

/** Calls `gone` once when this process was started by a package manager's script and that has ended. Returns what stops it. */
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

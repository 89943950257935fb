/**
 * Loaded with --import into a process under test: writes the most processor time that one turn of its main thread took to the
 * file in TURN_WATCH. Processor time, because on a loaded machine every turn is late. Turns before the file exists belong to
 * the start, where modules are compiled.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env.TURN_WATCH;
if (isMainThread && file !== undefined) {
  const usedMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  let last = usedMs();
  let most = -1;
  // Between two calls lies at least one turn; calls that follow each other closely belong to short turns.
  setInterval(() => {
    const now = usedMs();
    const took = now - last;
    last = now;
    if (took <= most || !existsSync(file)) return;
    most = took;
    writeFileSync(file, String(Math.round(took)));
    last = usedMs();
  }, 2).unref();
}

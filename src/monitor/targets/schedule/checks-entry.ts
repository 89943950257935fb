/** The program of the process of the checks. It ends with the channel to its parent. */
import { systemClock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import { nameResolver } from '../net/names.ts';
import { ChecksProcess } from './checks-process.ts';
import type { ToChecks } from './messages.ts';

process.title = 'vitrine-checker';
// A signal for the terminal's process group is the parent's to handle: it ends this process by the channel.
process.on('SIGINT', () => {});

const checks = new ChecksProcess({
  clock: systemClock,
  random: systemRandom,
  names: nameResolver(),
  // With a callback, a message to a parent that has just ended is not an error of this process.
  send: (message) => void process.send?.(message, undefined, undefined, () => {}),
});
process.on('message', (message: ToChecks) => {
  checks.take(message);
  if (message.kind === 'end') process.disconnect();
});
process.once('disconnect', () => {
  checks.close();
  process.exit(0);
});

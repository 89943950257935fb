/**
 * A receiver of the user's own: a module that exports `createReceiver(options)`, which returns `{ send(notification, signal) }`.
 * Each message runs in a process of its own with a time limit, so that a plugin that hangs, leaks or ends its process takes
 * nothing else along. It gets few variables of the environment, and no secrets of Vitrine's.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Delivery, Notification } from '../notification.ts';
import { EntryReceiver } from './entry-receiver.ts';
import { bool, goDuration, nonEmpty } from './fields.ts';
import type { ReceiverKind } from './kind.ts';
import type { PluginCall } from './plugin-child.ts';

const schema = z.strictObject({
  send_resolved: bool().default(true),
  /** Taken from the directory of the configuration file. */
  module: nonEmpty('a file'),
  options: z.unknown().optional(),
  timeout: goDuration()
    .refine((ms) => ms > 0 && ms <= 60_000, { error: 'a duration up to 1m' })
    .default(10_000),
});
type Entry = z.output<typeof schema>;

const CHILD = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './plugin-child.ts' : './plugin-child.js', import.meta.url),
);
const MAX_RUNNING = 4;
const MAX_MEMORY_MB = 256;
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS', 'HTTPS_PROXY', 'NO_PROXY'];

const failed = (message: string, more: Partial<Delivery & { kind: 'failed' }> = {}): Delivery => ({
  kind: 'failed',
  reason: 'other',
  retry: true,
  ...more,
  message,
});

class Plugin extends EntryReceiver<Entry> {
  #running = 0;

  protected async deliver(notification: Notification, signal: AbortSignal): Promise<Delivery> {
    if (this.#running >= MAX_RUNNING) return failed(`${MAX_RUNNING} calls of the plugin are still running.`);
    this.#running += 1;
    try {
      return await this.#run(notification, signal);
    } finally {
      this.#running -= 1;
    }
  }

  #run({ picture: _picture, ...notification }: Notification, signal: AbortSignal): Promise<Delivery> {
    const { module, options, timeout } = this.entry;
    const call: PluginCall = { module: this.tools.pathOf(module), options, notification };
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    const child = fork(CHILD, [], {
      execArgv: [`--max-old-space-size=${MAX_MEMORY_MB}`],
      env: Object.fromEntries(PASSED_ON.map((name) => [name, this.tools.environment[name]])),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const late = failed('The plugin did not end in time.', { reason: 'contextDeadlineExceeded' });
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    const stop = (): void => resolve(late);
    if (deadline.aborted) stop();
    deadline.addEventListener('abort', stop, { once: true });
    child.on('message', (answer) => resolve(deliveryOf(answer)));
    child.on('error', () => resolve(failed('The process of the plugin could not be started.')));
    child.once('exit', (code) => resolve(failed(`The process of the plugin ended with ${code ?? 'a signal'}.`)));
    child.send(call, (error) => {
      if (error !== null) resolve(failed('The process of the plugin takes no message.'));
    });
    return promise.finally(() => {
      deadline.removeEventListener('abort', stop);
      child.kill('SIGKILL');
    });
  }
}

/** Checked, because the module itself can send messages too. */
const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().regex(/^\w{0,40}$/),
  retry: z.boolean(),
  retryAfterMs: z.number().min(0).max(3_600_000).optional(),
});

function deliveryOf(given: unknown): Delivery {
  const { data: answer } = answerSchema.safeParse(given);
  if (answer === undefined) return failed('The plugin sent a message that is no answer.');
  const { ok, error, retry, retryAfterMs } = answer;
  if (ok) return { kind: 'delivered' };
  return failed(`The plugin failed (${error}).`, { retry, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

export const plugin: ReceiverKind<Entry> = {
  name: 'plugin',
  key: 'plugin',
  isOwn: true,
  schema,
  create: (entry, tools) => new Plugin(entry, tools),
};

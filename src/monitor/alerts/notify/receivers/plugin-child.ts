/** The process of a plugin: loads the module, sends one notification, and answers how that went. */
import { pathToFileURL } from 'node:url';

export interface PluginCall {
  readonly module: string;
  readonly options: unknown;
  /** A notification without its picture. */
  readonly notification: object;
}

export interface PluginAnswer {
  readonly ok: boolean;
  /** The name or code of the error. Its text is not passed on, because it may hold what the plugin knows. */
  readonly error: string;
  readonly retry: boolean;
  readonly retryAfterMs?: number | undefined;
}

interface PluginModule {
  readonly createReceiver: (options: unknown) => {
    send(notification: object, signal: AbortSignal): unknown;
  };
}

function answerOf(thrown: unknown): PluginAnswer {
  const { name, code, retry, retryAfterMs } = (typeof thrown === 'object' ? (thrown ?? {}) : {}) as Record<
    string,
    unknown
  >;
  const word = [code, name].find((one) => typeof one === 'string' && /^\w{1,40}$/.test(one));
  const wait = typeof retryAfterMs === 'number' && retryAfterMs > 0 ? Math.min(retryAfterMs, 3_600_000) : undefined;
  return { ok: false, error: typeof word === 'string' ? word : 'error', retry: retry !== false, retryAfterMs: wait };
}

async function run({ module, options, notification }: PluginCall): Promise<PluginAnswer> {
  const { createReceiver } = (await import(pathToFileURL(module).href)) as PluginModule;
  const receiver = createReceiver(options);
  await receiver.send(notification, new AbortController().signal);
  return { ok: true, error: '', retry: false };
}

process.once('message', (call: PluginCall) => {
  void run(call)
    .catch(answerOf)
    .then((answer) => process.send?.(answer));
});

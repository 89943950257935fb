/** Calls the API of a running Vitrine on port 4000. Errors name the address and say how to start Vitrine. */
import { VitrineError } from '../base/errors.ts';

export interface ClientOptions {
  readonly url: string;
  readonly token?: string | undefined;
}

const TIMEOUT_MS = 30_000;

/** Sends JSON by POST; throws as `ask` does. */
export function send(
  options: ClientOptions,
  path: string,
  body: unknown,
  timeoutMs: number = TIMEOUT_MS,
): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  return request(options, path, { method: 'POST', body: JSON.stringify(body), headers }, timeoutMs);
}

/** Deletes `path`; throws as `ask` does. */
export const remove = (options: ClientOptions, path: string): Promise<unknown> =>
  request(options, path, { method: 'DELETE' });

/** JSON of `path`; throws `unreachable` without an answer, `unauthorized` without the right token. */
export function ask(options: ClientOptions, path: string, form?: Readonly<Record<string, string>>): Promise<unknown> {
  return request(options, path, form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) });
}

/** The body of `path` as it is; throws as `ask` does. */
export async function askText(options: ClientOptions, path: string): Promise<string> {
  const response = await open(options, path, {}, AbortSignal.timeout(TIMEOUT_MS));
  const text = await response.text();
  if (response.ok) return text;
  throw failureOf(response.status, parse(text, options.url), options.url);
}

interface Sent {
  readonly method?: 'POST' | 'DELETE';
  readonly body?: string | URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
}

async function request(options: ClientOptions, path: string, sent: Sent, timeoutMs = TIMEOUT_MS): Promise<unknown> {
  const response = await open(options, path, sent, AbortSignal.timeout(timeoutMs));
  const text = await response.text();
  const body = parse(text, options.url);
  if (response.ok) return body;
  throw failureOf(response.status, body, options.url);
}

/**
 * The lines of an NDJSON answer as they come, until `signal` is aborted or the server ends. Resolves when the answer has begun;
 * throws as `ask` does.
 */
export async function stream(
  options: ClientOptions,
  path: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<string>> {
  const response = await open(options, path, {}, signal);
  if (!response.ok) throw failureOf(response.status, parse(await response.text(), options.url), options.url);
  return linesOf(response, options, signal);
}

async function* linesOf(response: Response, options: ClientOptions, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let waiting = '';
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      const lines = (waiting + decoder.decode(chunk, { stream: true })).split('\n');
      waiting = lines.pop() ?? '';
      yield* lines;
    }
  } catch (cause) {
    if (signal.aborted) return;
    throw new VitrineError('unreachable', `The connection to ${options.url} broke.`, { cause });
  }
}

async function open(options: ClientOptions, path: string, sent: Sent, signal: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...sent.headers };
  if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
  if (!/^https?:\/\//.test(options.url) || !URL.canParse(options.url)) {
    throw new VitrineError('usage', `--url: "${options.url}" is no address of a Vitrine.`, {
      hint: 'For example http://127.0.0.1:4000.',
    });
  }
  try {
    return await fetch(new URL(path, options.url), { ...sent, headers, signal });
  } catch (cause) {
    throw new VitrineError('unreachable', `Nothing answers at ${options.url}.`, {
      hint: 'Start Vitrine with `vitrine start`, or name another one with --url.',
      cause,
    });
  }
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new VitrineError('unreachable', `${url} does not answer as Vitrine does: ${text.slice(0, 80)}`, { cause });
  }
}

function failureOf(status: number, body: unknown, url: string): VitrineError {
  const { detail, hint, error } = body as { detail?: string; hint?: string; error?: string };
  if (status === 401) {
    return new VitrineError('unauthorized', `${url} requires a token.`, { hint: 'Set VITRINE_TOKEN or --token-file.' });
  }
  const message = detail ?? error ?? `${url} answered ${status}.`;
  return new VitrineError(
    status === 400 ? 'query_invalid' : 'query_failed',
    message,
    hint === undefined ? {} : { hint },
  );
}

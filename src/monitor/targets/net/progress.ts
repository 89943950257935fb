/**
 * The progress of a check: the times of its phases, one after the other without gaps, and the facts that are known even when
 * the check fails half-way. Redirects and steps add to the same phases.
 */
import type { Clock } from '../../../base/clock.ts';
import type { CertificateFacts, Phase, PhaseTimes } from '../check.ts';
import type { TlsFacts } from './tls-facts.ts';

export class Progress {
  readonly #clock: Clock;
  readonly #beginMs: number;
  #lastMs: number;
  readonly phases: PhaseTimes = {};
  /** Seconds that the first resolution took; the exporter reports it apart. */
  lookupSeconds = 0;
  /** Address of the last connection. */
  address = '';
  certificate: CertificateFacts | undefined;
  /** Of the last connection whose handshake was accepted. */
  tls: TlsFacts | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#beginMs = clock.monotonic();
    this.#lastMs = this.#beginMs;
  }

  /** The time since the last phase belongs to `phase`. Returns its seconds. */
  end(phase: Phase): number {
    const now = this.#clock.monotonic();
    const seconds = Math.max(0, now - this.#lastMs) / 1_000;
    this.#lastMs = now;
    this.phases[phase] = (this.phases[phase] ?? 0) + seconds;
    return seconds;
  }

  get seconds(): number {
    return Math.max(0, this.#clock.monotonic() - this.#beginMs) / 1_000;
  }
}

/** A check ended because of this; the message is one sentence for people. */
export class CheckFailure extends Error {}

/** The sentence for any error of a socket or of the name resolution. */
export function sentenceOf(error: unknown, timeoutMs: number, signal: AbortSignal): string {
  if (signal.aborted) return `No answer within ${timeoutMs} ms.`;
  if (error instanceof CheckFailure) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SENTENCES[code];
  return known ?? `${message || String(code ?? error)}.`.replace(/\.\.$/, '.');
}

const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The connection was refused.',
  ECONNRESET: 'The connection was reset.',
  EPIPE: 'The connection was closed while the request was sent.',
  EHOSTUNREACH: 'There is no route to the host.',
  ENETUNREACH: 'There is no route to the network.',
  ENOTFOUND: 'The name has no address.',
  ENODATA: 'The name has no address.',
  ETIMEOUT: 'The name servers do not answer.',
  ESERVFAIL: 'The name servers answer with a failure.',
  EMFILE: 'This machine has no free file descriptor for the connection.',
};

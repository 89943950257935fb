/** Refused samples by reason: a count, and a sentence on the first one for the sender. */
import type { RejectReason, Rejection } from '../../../model/ports.ts';

export class Refusals {
  readonly #byReason = new Map<RejectReason, { count: number; message: string }>();

  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(reason: RejectReason, message: () => string): void {
    this.#total += 1;
    const found = this.#byReason.get(reason);
    if (found === undefined) this.#byReason.set(reason, { count: 1, message: message() });
    else found.count += 1;
  }

  list(): Rejection[] {
    return [...this.#byReason].map(([reason, rest]) => ({ reason, ...rest }));
  }
}

export interface Refused {
  readonly reason: RejectReason;
  /** Name of the metric; undefined when the series is not known. */
  readonly metric: string | undefined;
  readonly t: number;
  /** Time of the series' newest sample. */
  readonly lastT: number;
}

export function refusalSentence({ reason, metric, t, lastT }: Refused): string {
  if (metric === undefined) return 'a sample names a series that the store does not hold';
  const name = metric.slice(0, 100);
  if (reason === 'invalid') return `a sample of ${name} has no valid time`;
  const at = new Date(t).toISOString();
  if (reason === 'too_far_ahead') return `a sample of ${name} at ${at} is too far ahead of this machine's clock`;
  if (reason === 'too_old') return `a sample of ${name} at ${at} is older than the store accepts`;
  if (reason === 'series_limit') {
    return `${name} has too many series; a sample at ${at} has no place in its overflow series`;
  }
  if (reason === 'duplicate') return `${name} already has another value at ${at}`;
  return `a sample of ${name} at ${at} is older than its series' newest at ${new Date(lastT).toISOString()}`;
}

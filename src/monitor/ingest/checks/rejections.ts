/** Refused items by reason, each with a count and one example sentence, for the sender and for the counters. */
import type { RejectReason, Rejection } from '../../../model/ports.ts';

/** Longer texts from outside are shortened before they are quoted. */
const QUOTE_MAX = 80;

export class RejectionTally {
  readonly #byReason = new Map<RejectReason, { count: number; message: string }>();

  /** The first message of a reason is kept as its example. */
  add(reason: RejectReason, message: string, count = 1): void {
    if (count <= 0) return;
    const known = this.#byReason.get(reason);
    if (known) known.count += count;
    else this.#byReason.set(reason, { count, message });
  }

  addAll(rejections: readonly Rejection[]): void {
    for (const { reason, message, count } of rejections) this.add(reason, message, count);
  }

  get total(): number {
    let total = 0;
    for (const { count } of this.#byReason.values()) total += count;
    return total;
  }

  list(): Rejection[] {
    return Array.from(this.#byReason, ([reason, { count, message }]) => ({ reason, count, message }));
  }
}

/** One line for the sender: `2 refused (out_of_order): …; 1 refused (label_limit): …`. '' when nothing was refused. */
export function rejectionText(rejected: readonly Rejection[]): string {
  return rejected.map(({ reason, count, message }) => `${count} refused (${reason}): ${message}`).join('; ');
}

/** Text from outside in quotes, without control characters, shortened. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > QUOTE_MAX ? `${text.slice(0, QUOTE_MAX)}…` : text);
}

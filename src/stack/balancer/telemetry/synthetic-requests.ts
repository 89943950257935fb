/** Which requests synthetic checks made: they are in no figure of users. */
import { propagation, type Context } from '@opentelemetry/api';
import { isMarked, isSynthetic, SYNTHETIC_ENTRY } from '../../../telemetry/spans/synthetic.ts';
import type { Peer } from '../http/forward-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import { fromRaw } from './carriers.ts';

export class SyntheticRequests {
  readonly #heads = new WeakSet<RequestHead>();

  /** Takes note of a check; takes the mark from anybody else's request, because the services behind believe it. */
  judged(head: RequestHead, { address }: Peer, from: Context): Context {
    const field = (name: string): string | undefined => fromRaw.get(head.raw, name);
    if (!isMarked(field('baggage'))) return from;
    const forwarded = field('x-forwarded-for') ?? field('forwarded');
    if (isSynthetic({ baggage: field('baggage'), address, forwarded, via: field('via') })) {
      this.#heads.add(head);
      return from;
    }
    const baggage = propagation.getBaggage(from);
    return baggage === undefined ? from : propagation.setBaggage(from, baggage.removeEntry(SYNTHETIC_ENTRY));
  }

  has(head: RequestHead): boolean {
    return head.traced && this.#heads.has(head);
  }
}

/**
 * Step 8, escalate: which receivers hear of the group. Without a policy that is the receiver of the route. An alert about a
 * channel that is down goes to all other receivers when the route leads to that channel itself. Pure.
 */
import type { ReceiverSpec } from '../file/read.ts';
import { CHANNEL_DOWN } from '../channel-health.ts';
import type { Batch } from './batch.ts';

export interface Escalation {
  readonly receivers: readonly ReceiverSpec[];
  readonly why: string;
}

export function escalate({ alerts }: Batch, route: ReceiverSpec, all: ReadonlyMap<string, ReceiverSpec>): Escalation {
  const isAboutItself = ({ labels }: { labels: { get(name: string): string } }): boolean =>
    labels.get('alertname') === CHANNEL_DOWN && labels.get('receiver') === route.name;
  if (alerts.length === 0 || !alerts.every(({ alert }) => isAboutItself(alert)))
    return { receivers: [route], why: 'the route' };
  const others = [...all.values()].filter(({ name, integrations }) => name !== route.name && integrations.length > 0);
  return { receivers: others, why: `${route.name} is down` };
}

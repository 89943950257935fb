/** The verdict on the data path and the state of one upstream, each with its reason in a sentence. */
import type { BalancerAnswer } from '../../monitor/api/care-contract.ts';
import type { Status } from '../ui/status.ts';

type Route = BalancerAnswer['routes'][number];
type Upstream = Route['upstreams'][number];

/**
 * Whether every upstream of the route is out. Then the balancer tries all that are not drained by hand: one may still
 * answer (panic mode, `vitrine_balancer_panic`).
 */
export function inPanic({ upstreams }: Pick<Route, 'upstreams'>): boolean {
  return upstreams.some(({ drained }) => !drained) && upstreams.every(({ available }) => !available);
}

/** `routes`: undefined while the balancer has not answered yet. */
export function verdictOn(routes: BalancerAnswer['routes'] | undefined): readonly [Status, string] {
  if (routes === undefined) return ['unknown', 'Waiting for the balancer.'];
  const all = routes.flatMap(({ upstreams }) => upstreams);
  const out = all.filter(({ available }) => !available).length;
  const panicking = routes.filter(inPanic).length;
  const maintained = routes.filter(({ maintenance }) => maintenance).length;
  if (panicking > 0)
    return [
      'crit',
      routes.length === 1
        ? 'Every upstream is out, so all of them are tried (panic mode).'
        : `Every upstream of ${panicking} of ${routes.length} routes is out, so all of them are tried (panic mode).`,
    ];
  if (out > 0) return ['warn', `${out} of ${all.length} upstreams ${out === 1 ? 'takes' : 'take'} no traffic.`];
  if (maintained > 0) return ['warn', `${maintained} of ${routes.length} routes are in maintenance.`];
  return ['ok', `All ${all.length} upstreams take traffic.`];
}

/** The state in a word, and the reason in a sentence. `panic`: the route of the upstream is in panic mode. */
export function stateOf(
  upstream: Pick<Upstream, 'drained' | 'available' | 'backup'>,
  ejections: readonly string[],
  panic = false,
): readonly [Status, string, string] {
  if (upstream.drained)
    return ['affected', 'Drained', 'Drained by hand: it finishes its requests and gets no new ones.'];
  if (!upstream.available) {
    const why = ejections.length === 0 ? 'it fails its health check' : ejections.join(', ');
    return panic
      ? ['crit', 'Tried', `Out (${why}), but every upstream of its route is out, so all of them are tried.`]
      : ['crit', 'Out', `Takes no traffic: ${why}.`];
  }
  if (ejections.length > 0) return ['warn', 'Back', `Was ejected in the last 15 min: ${ejections.join(', ')}.`];
  return ['ok', upstream.backup ? 'Backup' : 'Up', ''];
}

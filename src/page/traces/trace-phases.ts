/** The phases of one trace, from the attributes of the balancer's span: `vitrine.phase.<name>` in milliseconds. Pure. */
import type { Phase, SpanView } from '../../monitor/api/contract.ts';

const PHASES: readonly Phase[] = ['queue', 'cache', 'connect', 'upstream', 'transfer'];

/** Seconds by phase; undefined when no span has phases. */
export function phasesOf(spans: readonly SpanView[]): Readonly<Record<Phase, number>> | undefined {
  for (const { attributes } of spans) {
    const found = PHASES.map((phase) => attributes[`vitrine.phase.${phase}`]);
    if (found.every((value) => typeof value !== 'number')) continue;
    const seconds = PHASES.map((phase, at) => [phase, typeof found[at] === 'number' ? found[at] / 1_000 : 0] as const);
    return Object.fromEntries(seconds) as Record<Phase, number>;
  }
  return undefined;
}

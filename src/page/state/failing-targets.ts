/**
 * The targets that fail now, for the badge of the navigation and for the overview: asked for every ten seconds while the tab is
 * visible, if this server has targets. Only those that are down are in the answer, so it is nearly always empty.
 */
import { computed, effect, signal } from '@preact/signals';
import type { TargetJson, TargetsJson } from '../../monitor/api/targets/contract.ts';
import { getJson } from './api.ts';
import { connection, pausedSince } from './connection.ts';
import { capabilities } from './session.ts';

const EVERY_MS = 10_000;

export const failingTargets = signal<readonly TargetJson[]>([]);

/** Down by a fault of its own, and somebody's here to mend: no competitor, no child of a parent that is down, not in maintenance. */
export const isFailing = ({ state, enabled, competitor, cause, maintenance }: TargetJson): boolean =>
  state === 'down' && enabled && !competitor && cause === null && !maintenance;

const isAsked = computed(() => connection.value.kind === 'open' && capabilities.value?.includes('targets') === true);

async function ask(): Promise<void> {
  try {
    const { targets } = await getJson<TargetsJson>('/api/targets?state=down');
    failingTargets.value = targets.filter(isFailing);
  } catch {
    // The connection reports what is wrong; the last answer stays.
  }
}

export function startFailingTargets(): void {
  effect(() => {
    if (!isAsked.value) return undefined;
    void ask();
    const timer = window.setInterval(() => {
      if (document.visibilityState === 'visible' && pausedSince.peek() === undefined) void ask();
    }, EVERY_MS);
    return () => window.clearInterval(timer);
  });
}

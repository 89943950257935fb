/** States, figures and the pace of an objective in words. Pure. */
import type { ObjectiveJson } from '../../monitor/api/targets/contract.ts';
import type { Status } from '../ui/status.ts';

/** The burn rate that pages. */
export const FASTEST_BURN = 14.4;
const SLOW_BURN = 3;

export function statusOf({ breached, burn_rate: burn, budget_left: left }: ObjectiveJson): Status {
  if (left === null) return 'unknown';
  if (breached === true || (burn ?? 0) >= FASTEST_BURN) return 'crit';
  return (burn ?? 0) >= SLOW_BURN || left < 0.1 ? 'warn' : 'ok';
}

/** A budget that burns too fast is not missed yet. */
export function stateWord(of: ObjectiveJson): string {
  if (of.breached === true) return 'missed';
  const status = statusOf(of);
  return status === 'ok' ? 'kept' : status === 'unknown' ? 'no data' : 'burning';
}

/** Never rounded up to 100 %. */
export function percentText(ratio: number | null): string {
  if (ratio === null) return '–';
  if (ratio === 1) return '100 %';
  return `${Number((Math.floor(ratio * 1e6 + 1e-6) / 1e4).toFixed(4))} %`;
}

/** When the budget ends if it goes on like this; a burn of 1 lasts as long as the window. */
export function paceText(of: ObjectiveJson, lengthOf: (ms: number) => string): string {
  const { budget_left: left, burn_rate: burn, window_seconds: window } = of;
  if (left === null || burn === null) return '–';
  if (left <= 0) return 'spent';
  return burn <= 1 ? 'lasts' : `gone in ${lengthOf((left * window * 1_000) / burn)}`;
}

const RANK: Readonly<Record<Status, number>> = { crit: 0, warn: 1, affected: 1, ok: 2, unknown: 3 };

export const worstFirst = (objectives: readonly ObjectiveJson[]): ObjectiveJson[] =>
  objectives.toSorted(
    (a, b) =>
      RANK[statusOf(a)] - RANK[statusOf(b)] ||
      (a.budget_left ?? 1) - (b.budget_left ?? 1) ||
      a.name.localeCompare(b.name, 'en'),
  );

/** The bad events of an objective over requests, as a filter. */
export const badFilter = ({ total, good }: { readonly total: string; readonly good: string }): string =>
  total.trim() === '' ? `NOT (${good})` : `(${total}) NOT (${good})`;

/** Which targets the list shows, and in which order. Pure. */
import type { TargetJson } from '../../monitor/api/targets/contract.ts';

export const SHOWS = ['all', 'down', 'up'] as const;
export const OWNERS = ['all', 'own', 'competitors'] as const;

export interface Wanted {
  /** Words that name, address, group or a tag must contain. */
  readonly q: string;
  readonly show: string;
  readonly owner: string;
  /** A group or a tag. */
  readonly group: string;
}

export const ownerOf = ({ competitor }: TargetJson): string => (competitor ? 'competitors' : 'own');

export const groupsIn = (targets: readonly TargetJson[]): string[] =>
  [...new Set(targets.flatMap(({ group, tags }) => [group, ...tags]))].filter((one) => one !== '').sort();

export function isShown(target: TargetJson, { q, show, owner, group }: Wanted): boolean {
  const { name, instance, kind, tags, state } = target;
  if ((show === 'down' || show === 'up') && state !== show) return false;
  if ((owner === 'own' || owner === 'competitors') && ownerOf(target) !== owner) return false;
  if (group !== '' && target.group !== group && !tags.includes(group)) return false;
  const text = [name, instance, kind, target.group, ...tags].join('\n').toLowerCase();
  return q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

const RANK = { down: 0, unknown: 1, up: 2 } as const;

/** Down before unknown before up; those that page before those whose parent is down and before competitors. */
function rankOf({ state, competitor, cause, maintenance, enabled }: TargetJson): number {
  if (!enabled) return 9;
  return RANK[state] * 3 + (competitor || cause !== null || maintenance ? 1 : 0);
}

export const worstFirst = (targets: readonly TargetJson[]): TargetJson[] =>
  targets.toSorted((a, b) => rankOf(a) - rankOf(b) || a.name.localeCompare(b.name, 'en'));

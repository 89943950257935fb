/**
 * The state of a page as its address writes it: `/explore?q=…&from=now-1h&to=now&tz=utc&live=always&service=checkout`. Any
 * state can be written and read back; what is at its default is left out. Every other parameter belongs to the page. Pure.
 */
import { isBound } from './time-bound.ts';
import type { RangeSpec } from './time-range.ts';
import { DEFAULT_RANGE } from './time-range.ts';
import { isZone } from './zoned-time.ts';

/** `live` redraws while the tab is visible, `always` in the background too; a number is the time at which the view was paused. */
export type LiveMode = 'live' | 'always' | number;

export interface PageState {
  /** As in the address, percent-encoded. */
  readonly path: string;
  /** undefined: the default range. */
  readonly range: RangeSpec | undefined;
  /** `local`, `utc` or an IANA name. */
  readonly zone: string;
  readonly live: LiveMode;
  /** The page's own parameters in their order; a name may occur more than once. */
  readonly params: readonly (readonly [name: string, value: string])[];
}

/** The parameters that belong to every page. */
export const SHARED_PARAMS = ['from', 'to', 'tz', 'live'] as const;
const SHARED: ReadonlySet<string> = new Set(SHARED_PARAMS);

function liveOf(text: string | null): LiveMode {
  if (text === 'always') return 'always';
  return text !== null && isBound(text) && !text.startsWith('now') ? Number(text) : 'live';
}

function rangeOf(from: string | null, to: string | null): RangeSpec | undefined {
  const start = from !== null && isBound(from) ? from : undefined;
  const end = to !== null && isBound(to) ? to : undefined;
  if (start !== undefined) return { from: start, to: end ?? 'now' };
  if (end === undefined || end.startsWith('now')) return undefined;
  return { from: String(Math.max(0, Number(end) - 900_000)), to: end };
}

const isDefault = (range: RangeSpec): boolean => range.from === DEFAULT_RANGE.from && range.to === DEFAULT_RANGE.to;

export function decodeState(path: string, search: string): PageState {
  const query = new URLSearchParams(search);
  const range = rangeOf(query.get('from'), query.get('to'));
  const tz = query.get('tz') ?? 'local';
  return {
    path,
    range: range === undefined || isDefault(range) ? undefined : range,
    zone: isZone(tz) ? tz : 'local',
    live: liveOf(query.get('live')),
    params: [...query].filter(([name]) => !SHARED.has(name)),
  };
}

export function encodeState({ path, range, zone, live, params }: PageState): string {
  const query = new URLSearchParams();
  for (const [name, value] of params) if (!SHARED.has(name)) query.append(name, value);
  if (range !== undefined && !isDefault(range)) {
    query.set('from', range.from);
    query.set('to', range.to);
  }
  if (zone !== 'local') query.set('tz', zone);
  if (live !== 'live') query.set('live', String(live));
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

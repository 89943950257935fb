/** Times as people write them in schedules and overrides. */
import { instantOf } from '../../../model/time/local-time.ts';

const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?)?(Z|[+-]\d{2}:\d{2})?$/;

/** `2026-12-24T18:00` is a time of the zone; with `Z` or an offset, the zone does not matter. Undefined for other texts. */
export function parseTime(text: string, zone: string): number | undefined {
  const found = TIME.exec(text.trim());
  if (found === null) return undefined;
  const [, date, minutes = '00:00', seconds = '00', offset] = found;
  const ms = Date.parse(`${date}T${minutes}:${seconds}${offset ?? 'Z'}`);
  if (Number.isNaN(ms)) return undefined;
  return offset === undefined ? instantOf(ms, zone) : ms;
}

/** States, days and figures of targets in words. Pure but for the time of the page. */
import type { AvailabilityJson, TargetJson } from '../../monitor/api/targets/contract.ts';
import { age } from '../state/format.ts';
import { viewNowMs } from '../state/range.ts';
import type { Status } from '../ui/status.ts';

const DAY_MS = 86_400_000;
/** Of the first certificate of the chain that expires. */
const CERTIFICATE = { warnDays: 14, critDays: 3 };

export function statusOf({ enabled, state, cause, maintenance, heartbeat }: TargetJson): Status {
  if (!enabled || state === 'unknown') return 'unknown';
  if (state === 'up') return 'ok';
  if (cause !== null || maintenance) return 'affected';
  return heartbeat === undefined ? 'crit' : 'warn';
}

export function wordOf(target: TargetJson): string {
  const { enabled, state, maintenance, cause, since, heartbeat } = target;
  if (!enabled) return 'Off';
  if (maintenance) return 'Maintenance';
  if (state === 'unknown') return 'No data';
  if (state === 'up') return 'Healthy';
  const forText = since === null ? '' : ` ${age(viewNowMs.value - Date.parse(since))}`;
  return `${cause === null ? (heartbeat === undefined ? 'Down' : 'Late') : 'Affected'}${forText}`;
}

/** Days until the first certificate expires, and how bad that is. */
export function certificateOf({ certificate_expires: at }: TargetJson): { text: string; tone: '' | 'warn' | 'crit' } {
  if (at === null) return { text: 'no TLS', tone: '' };
  const days = Math.floor((Date.parse(at) - viewNowMs.value) / DAY_MS);
  const tone = days < CERTIFICATE.critDays ? 'crit' : days < CERTIFICATE.warnDays ? 'warn' : '';
  return { text: `${days} d`, tone };
}

export type Mark = 'up' | 'warn' | 'down' | 'maintenance' | 'unknown';

/** The worst of each day: an outage of less than 1 % is a warning. */
export const dayMarks = ({ parts = [] }: Pick<AvailabilityJson, 'parts'>): Mark[] =>
  parts.map(({ availability, down_seconds: down }) => {
    if (availability === null) return 'unknown';
    if (down === 0) return 'up';
    return availability >= 0.99 ? 'warn' : 'down';
  });

export const dayText = ({ parts = [] }: Pick<AvailabilityJson, 'parts'>): string =>
  `${parts.filter(({ down_seconds: down }) => down > 0).length} of ${parts.length} days with an outage`;

/** Enough digits that an outage of minutes shows in a month; never rounded up to 100 %. */
export function upText(ratio: number | null): string {
  if (ratio === null) return '–';
  return ratio === 1 ? '100 %' : `${(Math.floor(ratio * 10_000) / 100).toFixed(2)} %`;
}

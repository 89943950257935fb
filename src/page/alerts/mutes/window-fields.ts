/** A maintenance window as the form sends it, and its schedule as people read it. Pure. */
import type { WindowView } from '../../../monitor/api/alerts/contract.ts';
import { formText } from '../../state/form-text.ts';

export const KINDS = ['once', 'weekly', 'cron'] as const;
export type Kind = (typeof KINDS)[number];

/** From Monday; the API counts from Sunday. */
export const DAYS: readonly (readonly [number: number, name: string])[] = [
  [1, 'Mon'],
  [2, 'Tue'],
  [3, 'Wed'],
  [4, 'Thu'],
  [5, 'Fri'],
  [6, 'Sat'],
  [0, 'Sun'],
];

/** `timeOf`: the instant of a local time of the form. Times that cannot be read are left out, and the server says so. */
export function windowFrom(
  form: FormData,
  matchers: readonly string[],
  timeOf: (local: string) => number,
): Readonly<Record<string, unknown>> {
  const kind = formText(form, 'kind');
  const common = { name: formText(form, 'name'), matchers, comment: formText(form, 'comment') };
  if (kind === 'once')
    return { ...common, once: { from: timeOf(formText(form, 'from')), to: timeOf(formText(form, 'to')) } };
  const again = { ...common, zone: formText(form, 'zone'), for: formText(form, 'for') };
  if (kind === 'cron') return { ...again, cron: formText(form, 'cron') };
  return { ...again, weekly: { days: form.getAll('days').map(Number), at: formText(form, 'at') } };
}

const WEEKLY = /^(\d+) (\d+) \* \* ([0-6](?:,[0-6])*)$/;

/** `Mon, Thu 02:30, Europe/Berlin`; any other expression stays as it is. */
export function cronText({ cron, zone }: { readonly cron: string; readonly zone: string }): string {
  const found = WEEKLY.exec(cron);
  if (found === null) return `${cron}, ${zone}`;
  const [, minute, hour, days] = found;
  const wanted = new Set(days.split(',').map(Number));
  const names = DAYS.filter(([day]) => wanted.has(day)).map(([, name]) => name);
  const text = names.length === DAYS.length ? 'every day' : names.join(', ');
  return `${text} ${hour.padStart(2, '0')}:${minute.padStart(2, '0')}, ${zone}`;
}

export const windowMatcher = ({ name, op, value }: WindowView['matchers'][number]): string =>
  `${name}${op}${JSON.stringify(value)}`;

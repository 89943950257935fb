/** Words, figures and times of the status page; times are those of its zone. */
import type { Stage } from './notices.ts';
import type { ComponentState, NoticeView } from './view.ts';

export const STATE_WORDS: Readonly<Record<ComponentState, string>> = {
  up: 'Operational',
  unknown: 'No data',
  maintenance: 'Maintenance',
  degraded: 'Disturbed',
  outage: 'Down',
};

/** Of all components together. */
export const OVERALL_WORDS: Readonly<Record<ComponentState, string>> = {
  up: 'All systems operate normally',
  unknown: 'Some systems have no data',
  maintenance: 'Some systems are under maintenance',
  degraded: 'Some systems are disturbed',
  outage: 'Some systems are down',
};

export const STAGE_WORDS: Readonly<Record<Stage, string>> = {
  investigating: 'Investigating',
  identified: 'Cause found',
  monitoring: 'Watching',
  resolved: 'Resolved',
  planned: 'Planned',
  underway: 'Under way',
};

export function phaseWord({ kind, phase, updates }: NoticeView): string {
  if (kind === 'maintenance') return { planned: 'Planned', open: 'Under way', over: 'Done' }[phase];
  return phase === 'over' ? 'Resolved' : STAGE_WORDS[updates[0]?.stage ?? 'investigating'];
}

/** Never rounded up to 100 %: an outage of seconds is still one. */
export function percentText(ratio: number | null): string {
  if (ratio === null) return 'no data';
  return ratio === 1 ? '100 %' : `${(Math.floor(ratio * 100_000) / 1_000).toFixed(3)} %`;
}

export function lengthText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (ms < 60_000) return `${Math.ceil(ms / 1_000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Dates and times of one zone. */
export class Times {
  readonly #day: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;

  constructor(timeZone: string) {
    const day = { timeZone, day: 'numeric', month: 'short', year: 'numeric' } as const;
    this.#day = new Intl.DateTimeFormat('en-GB', day);
    this.#moment = new Intl.DateTimeFormat('en-GB', {
      ...day,
      hour: '2-digit',
      minute: '2-digit',
      timeZoneName: 'short',
    });
  }

  day(ms: number): string {
    return this.#day.format(ms);
  }

  moment(ms: number): string {
    return this.#moment.format(ms);
  }
}

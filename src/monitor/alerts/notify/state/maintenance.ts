/**
 * Maintenance windows: once, or again and again by a cron expression in a time zone. A window mutes the alerts that its
 * matchers match while it is open. The zone's own clock decides, so a window at 02:30 local time stays there when clocks
 * change.
 */
import { Cron } from 'croner';
import { VitrineError } from '../../../../base/errors.ts';
import type { Labels, Matcher } from '../../../../model/labels.ts';
import { matchesAll, type LabelMatcher } from '../file/matchers.ts';
import { Records, type StateStore } from './records.ts';
import { compileMatchers } from './silences.ts';

export type Schedule =
  | { readonly kind: 'once'; readonly fromMs: number; readonly toMs: number }
  /** Opens at each time of the cron expression, for `durationMs`. */
  | { readonly kind: 'cron'; readonly cron: string; readonly zone: string; readonly durationMs: number };

export interface MaintenanceWindow {
  readonly name: string;
  readonly matchers: readonly Matcher[];
  readonly schedule: Schedule;
  readonly createdBy: string;
  /** When it was set; absent in windows of former versions. */
  readonly createdMs?: number | undefined;
  readonly comment: string;
  /** False: the status page does not announce it. */
  readonly announce?: boolean | undefined;
}

const MAX_WINDOWS = 1_000;
const LONGEST_MS = 31 * 86_400_000;

/** Throws VitrineError `bad_request`. */
function cronOf(expression: string, zone: string): Cron {
  try {
    const cron = new Cron(expression, { timezone: zone, paused: true });
    // The zone is only looked at here.
    cron.nextRun();
    return cron;
  } catch {
    throw new VitrineError('bad_request', `"${expression}" in zone "${zone}" is not a cron expression.`, {
      hint: 'Five fields and an IANA zone, for example "30 2 * * 0" and "Europe/Berlin".',
    });
  }
}

/** The weekly form as a cron expression: `days` are 0 (Sunday) to 6. */
export function weeklyCron(days: readonly number[], time: string): string {
  const found = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(time);
  if (found === null || days.length === 0 || days.some((day) => !Number.isInteger(day) || day < 0 || day > 6)) {
    throw new VitrineError(
      'bad_request',
      'A weekly window needs days from 0 (Sunday) to 6 and a time such as "22:30".',
    );
  }
  return `${Number(found[2])} ${Number(found[1])} * * ${days.join(',')}`;
}

interface Compiled {
  readonly matchers: readonly LabelMatcher[];
  readonly cron: Cron | undefined;
}

export class Maintenance {
  readonly #records: Records<MaintenanceWindow>;
  readonly #compiled = new WeakMap<MaintenanceWindow, Compiled>();

  constructor(state: StateStore) {
    this.#records = new Records(state, 'notify_maintenance', 'name', (body) => body as MaintenanceWindow);
  }

  all(): MaintenanceWindow[] {
    return [...this.#records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The name of the first open window that matches. */
  muting(labels: Labels, nowMs: number): string | undefined {
    for (const window of this.#records.values()) {
      if (this.isOpen(window, nowMs) && matchesAll(this.#of(window).matchers, labels)) return window.name;
    }
    return undefined;
  }

  isOpen(window: MaintenanceWindow, nowMs: number): boolean {
    const opening = this.presentOpening(window, nowMs);
    return opening !== undefined && opening.fromMs <= nowMs;
  }

  /** The opening that goes on, or else the next one; undefined when there is none any more. */
  presentOpening(window: MaintenanceWindow, nowMs: number): { fromMs: number; toMs: number } | undefined {
    const { schedule } = window;
    if (schedule.kind === 'once') {
      const { fromMs, toMs } = schedule;
      return nowMs < toMs ? { fromMs, toMs } : undefined;
    }
    // The last opening that could still be open is the first one after the earliest possible start.
    const opened = this.#of(window).cron?.nextRun(new Date(nowMs - schedule.durationMs));
    if (opened == null) return undefined;
    const fromMs = opened.getTime();
    return { fromMs, toMs: fromMs + schedule.durationMs };
  }

  /** Whether it mutes alerts of these labels while it is open. */
  concerns(window: MaintenanceWindow, labels: Labels): boolean {
    return matchesAll(this.#of(window).matchers, labels);
  }

  /** When it opens next; undefined when never again. */
  nextOpening(window: MaintenanceWindow, nowMs: number): number | undefined {
    const { schedule } = window;
    if (schedule.kind === 'once') return schedule.fromMs > nowMs ? schedule.fromMs : undefined;
    return this.#of(window).cron?.nextRun(new Date(nowMs))?.getTime();
  }

  #of(window: MaintenanceWindow): Compiled {
    const known = this.#compiled.get(window);
    if (known !== undefined) return known;
    const { matchers, schedule } = window;
    const compiled = {
      matchers: compileMatchers(matchers),
      cron: schedule.kind === 'cron' ? cronOf(schedule.cron, schedule.zone) : undefined,
    };
    this.#compiled.set(window, compiled);
    return compiled;
  }

  /** Resolves when it is on the disk. Throws VitrineError `bad_request` and `conflict`. */
  async set(window: MaintenanceWindow): Promise<void> {
    const { name, schedule } = window;
    if (!/^[\w.~-]{1,128}$/.test(name)) {
      throw new VitrineError('bad_request', 'The name has 1 to 128 letters, digits and . _ ~ -.');
    }
    const length = schedule.kind === 'once' ? schedule.toMs - schedule.fromMs : schedule.durationMs;
    if (!(length > 0 && length <= LONGEST_MS)) {
      throw new VitrineError('bad_request', 'A window lasts more than nothing and at most 31 days.');
    }
    if (this.#records.size >= MAX_WINDOWS && this.#records.get(name) === undefined) {
      throw new VitrineError('conflict', `There are ${MAX_WINDOWS} maintenance windows.`);
    }
    this.#of(window);
    await this.#records.set(name, window);
  }

  /** False when there is none of this name. */
  async delete(name: string): Promise<boolean> {
    if (this.#records.get(name) === undefined) return false;
    await this.#records.delete(name);
    return true;
  }
}

/**
 * The days of a component, of its targets' runs: it is down while one of them is down outside that target's maintenance, and up
 * while at least one is up and none is down. Days that are over are kept, so an answer reads the runs of the last two days only.
 */
import { availability, calendarSpans, joinedSpans, type Span } from '../targets/history/availability.ts';
import type { Run } from '../targets/history/runs.ts';

export const SHOWN_DAYS = 90;
const DAY_MS = 86_400_000;
/** A run that goes on may begin earlier than it was decided; after this time a day does not change any more. */
const SETTLED_MS = 2 * DAY_MS;

export interface TargetPast {
  readonly runs: readonly Run[];
  readonly maintenance: readonly Span[];
}

export interface DayFigures {
  readonly fromMs: number;
  readonly toMs: number;
  readonly upMs: number;
  readonly downMs: number;
  readonly maintenanceMs: number;
  readonly outages: number;
}

/** Pieces of `span` outside `holes`, which are joined and sorted. */
function outside(span: Span, holes: readonly Span[]): Span[] {
  const pieces: Span[] = [];
  let fromMs = span.fromMs;
  for (const hole of holes) {
    if (hole.toMs <= fromMs) continue;
    if (hole.fromMs >= span.toMs) break;
    if (hole.fromMs > fromMs) pieces.push({ fromMs, toMs: hole.fromMs });
    fromMs = hole.toMs;
  }
  if (fromMs < span.toMs) pieces.push({ fromMs, toMs: span.toMs });
  return pieces;
}

const spansOf = (runs: readonly Run[], state: Run['state']): Span[] => runs.filter((run) => run.state === state);

/** The runs of the component, and its maintenance: that of any target, except where another target is down. */
export function componentPast(pasts: readonly TargetPast[]): TargetPast {
  const down = joinedSpans(
    pasts.flatMap(({ runs, maintenance }) => {
      const holes = joinedSpans(maintenance);
      return spansOf(runs, 'down').flatMap((run) => outside(run, holes));
    }),
  );
  const up = joinedSpans(pasts.flatMap(({ runs }) => spansOf(runs, 'up'))).flatMap((span) => outside(span, down));
  const maintenance = joinedSpans(pasts.flatMap((past) => past.maintenance)).flatMap((span) => outside(span, down));
  const runs = [
    ...down.map((span): Run => ({ ...span, state: 'down' })),
    ...up.map((span): Run => ({ ...span, state: 'up' })),
  ].sort((a, b) => a.fromMs - b.fromMs);
  return { runs, maintenance };
}

const touching = <T extends Span>(spans: readonly T[], day: Span): T[] =>
  spans.filter(({ fromMs, toMs }) => toMs > day.fromMs && fromMs < day.toMs);

function figuresOf({ runs, maintenance }: TargetPast, day: Span): DayFigures {
  const { upMs, downMs, maintenanceMs, outages } = availability(touching(runs, day), touching(maintenance, day), day);
  return { fromMs: day.fromMs, toMs: day.toMs, upMs, downMs, maintenanceMs, outages };
}

/** Calendar days up to now, the oldest first. */
function shownDays(nowMs: number, zone: string): Span[] {
  const days = calendarSpans({ fromMs: nowMs - SHOWN_DAYS * DAY_MS, toMs: nowMs + 1 }, 'day', zone);
  // The first one is cut at the start of the range.
  return days.slice(-SHOWN_DAYS);
}

/** The days of one component. */
export class ComponentDays {
  readonly #zone: string;
  readonly #pastOf: (range: Span) => readonly TargetPast[];
  readonly #settled = new Map<number, DayFigures>();

  /** `pastOf` gives the runs and maintenance of each target of the component. */
  constructor(zone: string, pastOf: (range: Span) => readonly TargetPast[]) {
    this.#zone = zone;
    this.#pastOf = pastOf;
  }

  figures(nowMs: number): DayFigures[] {
    const days = shownDays(nowMs, this.#zone);
    const open = days.filter(({ fromMs }) => !this.#settled.has(fromMs));
    const past = componentPast(this.#pastOf({ fromMs: open[0].fromMs, toMs: nowMs }));
    const figures = days.map((day) => this.#settled.get(day.fromMs) ?? figuresOf(past, day));
    for (const day of figures) if (day.toMs < nowMs - SETTLED_MS) this.#settled.set(day.fromMs, day);
    for (const fromMs of this.#settled.keys()) if (fromMs < days[0].fromMs) this.#settled.delete(fromMs);
    return figures;
  }
}

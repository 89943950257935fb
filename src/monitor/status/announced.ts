/**
 * Maintenance windows of the alerts as announcements: a window that concerns a target of a component is announced two weeks
 * before it opens, while it is open, and after it. Only names of components and times are told; the name of a window, its comment
 * and its matchers are of the inside. Nothing is stored: an announcement follows from windows, components and targets.
 */
import { createHash } from 'node:crypto';
import type { Labels } from '../../model/labels.ts';
import type { Maintenance, MaintenanceWindow } from '../alerts/notify/state/maintenance.ts';
import type { Span } from '../targets/history/availability.ts';
import type { StatusPageConfig } from './config.ts';
import type { Notice } from './notices.ts';

interface AnnouncedParts {
  readonly maintenance: Pick<Maintenance, 'all' | 'presentOpening' | 'concerns'>;
  /** The labels that alerts about a target have; undefined for one that does not exist. */
  readonly labels: (target: string) => Labels | undefined;
}

const DAY_MS = 86_400_000;
const AHEAD_MS = 14 * DAY_MS;
/** As long as a written notice is shown. */
const PAST_MS = 90 * DAY_MS;
/** Windows that are open, and then those that are nearest. */
const MAX_ANNOUNCED = 50;
const MOST_NAMES = 3;

interface Opening extends Span {
  readonly window: MaintenanceWindow;
}

function openingsOf({ maintenance }: AnnouncedParts, nowMs: number): Opening[] {
  const openings = maintenance.all().flatMap((window): Opening[] => {
    if (window.announce === false) return [];
    const { schedule } = window;
    // Of one that comes again and again only the present opening is told: its past is in the days of the component.
    const span = schedule.kind === 'once' ? schedule : maintenance.presentOpening(window, nowMs);
    const isShown = span !== undefined && span.fromMs <= nowMs + AHEAD_MS && span.toMs > nowMs - PAST_MS;
    return isShown ? [{ window, fromMs: span.fromMs, toMs: span.toMs }] : [];
  });
  const distance = ({ fromMs, toMs }: Span): number => (toMs <= nowMs ? AHEAD_MS + nowMs - toMs : fromMs - nowMs);
  return openings.sort((a, b) => distance(a) - distance(b));
}

function titleOf(names: readonly string[]): string {
  return names.length > MOST_NAMES ? `Maintenance of ${names.length} components` : `Maintenance of ${names.join(', ')}`;
}

/** The nearest first. */
export function announcedWindows(
  { components, announce_maintenance: isOn }: StatusPageConfig,
  parts: AnnouncedParts,
  nowMs: number,
): Notice[] {
  const made = new Map<string, Notice>();
  if (!isOn) return [];
  const known = components.map(({ name, targets }) => ({
    name,
    labels: targets.flatMap((target) => parts.labels(target) ?? []),
  }));
  for (const { window, fromMs, toMs } of openingsOf(parts, nowMs)) {
    const names = known
      .filter(({ labels }) => labels.some((one) => parts.maintenance.concerns(window, one)))
      .map(({ name }) => name);
    if (names.length === 0) continue;
    // Two windows of the same components at the same time are one announcement. The address is made of what is public.
    const id = createHash('sha256')
      .update(JSON.stringify([names, fromMs]))
      .digest('hex')
      .slice(0, 12);
    const before = made.get(id);
    const createdMs = Math.max(window.createdMs ?? 0, before?.createdMs ?? 0, fromMs - AHEAD_MS);
    made.set(id, {
      id,
      kind: 'maintenance',
      title: titleOf(names),
      impact: 'none',
      components: names,
      startMs: fromMs,
      endMs: Math.max(toMs, before?.endMs ?? 0),
      updates: [{ atMs: createdMs, stage: 'planned', text: '' }],
      alert: null,
      follow: false,
      createdBy: '',
      createdMs,
    });
    if (made.size >= MAX_ANNOUNCED) break;
  }
  return [...made.values()];
}

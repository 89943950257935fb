/**
 * What the status page says, as data: the one place where figures of the inside become public. It copies named fields, so a
 * field that is added to a target, an alert or a notice is not published until it is named here.
 */
import type { UpState } from '../targets/history/runs.ts';
import type { StatusPageConfig } from './config.ts';
import type { DayFigures } from './component-days.ts';
import type { Notice, Stage } from './notices.ts';

/** Best first. */
export const COMPONENT_STATES = ['up', 'unknown', 'maintenance', 'degraded', 'outage'] as const;
export type ComponentState = (typeof COMPONENT_STATES)[number];

export interface ComponentView {
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly state: ComponentState;
  /** Oldest first. */
  readonly days: readonly DayFigures[];
  readonly uptime: { readonly [W in Window]: number | null };
}

export const WINDOWS = ['7d', '30d', '90d'] as const;
export type Window = (typeof WINDOWS)[number];

export interface NoticeView {
  readonly id: string;
  readonly kind: Notice['kind'];
  readonly title: string;
  readonly impact: Notice['impact'];
  readonly components: readonly string[];
  readonly startMs: number;
  readonly endMs: number | null;
  readonly phase: 'planned' | 'open' | 'over';
  readonly createdMs: number;
  /** Newest first. */
  readonly updates: readonly { readonly atMs: number; readonly stage: Stage; readonly text: string }[];
}

export interface StatusView {
  readonly title: string;
  readonly url: string | undefined;
  readonly zone: string;
  readonly atom: boolean;
  readonly asOfMs: number;
  readonly state: ComponentState;
  readonly components: readonly ComponentView[];
  /** Newest first. */
  readonly notices: readonly NoticeView[];
}

/** What is known of one published target. */
export interface TargetNow {
  readonly state: UpState;
  readonly maintenance: boolean;
}

export interface ComponentFacts {
  readonly targets: readonly TargetNow[];
  readonly days: readonly DayFigures[];
}

const DAY_MS = 86_400_000;
const NOTICES_MS = 90 * DAY_MS;
const MAX_NOTICES = 200;
const SLUG_LENGTH = 40;

/** Addresses of the components, unique, made of their names: `payments`, `payments-2`, or `component-3` for a name without letters. */
export function slugsOf(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name, at) => {
    const words = name
      .toLowerCase()
      .normalize('NFKD')
      .replaceAll(/[^a-z0-9]+/g, '-')
      .slice(0, SLUG_LENGTH);
    const base = words.replaceAll(/^-+|-+$/g, '') || `component-${at + 1}`;
    let slug = base;
    for (let n = 2; used.has(slug); n += 1) slug = `${base}-${n}`;
    used.add(slug);
    return slug;
  });
}

export function phaseOf({ kind, startMs, endMs }: Notice, nowMs: number): NoticeView['phase'] {
  if (kind === 'maintenance' && nowMs < startMs) return 'planned';
  return endMs !== null && endMs <= nowMs ? 'over' : 'open';
}

const worst = (states: readonly ComponentState[]): ComponentState =>
  states.reduce((a, b) => (COMPONENT_STATES.indexOf(b) > COMPONENT_STATES.indexOf(a) ? b : a), 'up');

function checkedState(targets: readonly TargetNow[]): ComponentState {
  const checked = targets.filter(({ maintenance }) => !maintenance);
  const down = checked.filter(({ state }) => state === 'down').length;
  if (down > 0) return down === targets.length ? 'outage' : 'degraded';
  if (checked.length < targets.length) return 'maintenance';
  return targets.some(({ state }) => state === 'up') ? 'up' : 'unknown';
}

/** What the checks say, and above that what people say. */
function stateOf(name: string, targets: readonly TargetNow[], open: readonly NoticeView[]): ComponentState {
  const about = open.filter(({ components }) => components.includes(name));
  const told = about.flatMap(({ kind, impact }): ComponentState[] =>
    kind === 'incident' && impact !== 'none' ? [impact] : [],
  );
  const maintained = about.some(({ kind }) => kind === 'maintenance');
  return worst([maintained ? 'maintenance' : checkedState(targets), ...told]);
}

function uptimeOf(days: readonly DayFigures[], count: number): number | null {
  const shown = days.slice(-count);
  const up = shown.reduce((sum, { upMs }) => sum + upMs, 0);
  const down = shown.reduce((sum, { downMs }) => sum + downMs, 0);
  return up + down === 0 ? null : up / (up + down);
}

function noticeView(notice: Notice, published: ReadonlySet<string>, nowMs: number): NoticeView {
  const { id, kind, title, impact, components, startMs, endMs, createdMs, updates } = notice;
  return {
    id,
    kind,
    title,
    impact,
    components: components.filter((name) => published.has(name)),
    startMs,
    endMs,
    phase: phaseOf(notice, nowMs),
    createdMs,
    updates: updates.map(({ atMs, stage, text }) => ({ atMs, stage, text })).reverse(),
  };
}

/**
 * `facts`: one of each component of the configuration, in its order. `announced`: maintenance that the checks know of already, by
 * target, so it says nothing about the state of a component.
 */
export function statusView(
  config: StatusPageConfig,
  facts: readonly ComponentFacts[],
  notices: readonly Notice[],
  nowMs: number,
  announced: readonly Notice[] = [],
): StatusView {
  const names = config.components.map(({ name }) => name);
  const shown = notices
    .filter(({ endMs }) => endMs === null || endMs > nowMs - NOTICES_MS)
    .slice(0, MAX_NOTICES)
    .map((notice) => noticeView(notice, new Set(names), nowMs));
  const told = announced.map((notice) => noticeView(notice, new Set(names), nowMs));
  const open = shown.filter(({ phase }) => phase === 'open');
  const slugs = slugsOf(names);
  const components = config.components.map(({ name, description }, at): ComponentView => {
    const { targets, days } = facts[at];
    const uptime = { '7d': uptimeOf(days, 7), '30d': uptimeOf(days, 30), '90d': uptimeOf(days, 90) };
    return { slug: slugs[at], name, description, state: stateOf(name, targets, open), days, uptime };
  });
  return {
    title: config.title,
    url: config.url,
    zone: config.zone,
    atom: config.atom,
    asOfMs: nowMs,
    state: worst(components.map(({ state }) => state)),
    components,
    notices: told.length === 0 ? shown : [...shown, ...told].sort((a, b) => b.startMs - a.startMs),
  };
}

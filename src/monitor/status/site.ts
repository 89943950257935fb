/** The status page as files by path. The public port serves them, and an export writes the same ones into a folder. */
import { iso } from '../../base/units.ts';
import { stateBadge, uptimeBadge } from './badge.ts';
import { atomFeed } from './feed.ts';
import { indexPage, noticePage, unknownPage } from './html.ts';
import type { Markup } from './markup.ts';
import { WINDOWS, type NoticeView, type StatusView } from './view.ts';
import { Times } from './words.ts';

export const INDEX = 'index.html';
/** Served with status 404; not part of an export. */
export const UNKNOWN = '404.html';

export type SiteTexts = ReadonlyMap<string, string>;

function noticeJson({ id, kind, title, impact, components, startMs, endMs, phase, updates }: NoticeView): object {
  return {
    id,
    kind,
    title,
    impact,
    components,
    start: iso(startMs),
    end: endMs === null ? null : iso(endMs),
    phase,
    updates: updates.map(({ atMs, stage, text }) => ({ time: iso(atMs), stage, text })),
  };
}

function statusJson({ title, asOfMs, state, components, notices }: StatusView): string {
  return JSON.stringify({
    title,
    as_of: iso(asOfMs),
    state,
    components: components.map(({ slug, name, description, state: own, days, uptime }) => ({
      id: slug,
      name,
      description,
      state: own,
      uptime,
      days: days.map(({ fromMs, upMs, downMs, maintenanceMs }) => ({
        from: iso(fromMs),
        up_seconds: Math.round(upMs / 1_000),
        down_seconds: Math.round(downMs / 1_000),
        maintenance_seconds: Math.round(maintenanceMs / 1_000),
      })),
    })),
    incidents: notices.map(noticeJson),
  });
}

export function siteOf(view: StatusView): SiteTexts {
  const times = new Times(view.zone);
  const files = new Map<string, string>();
  const add = (path: string, { text }: Markup): void => void files.set(path, text);
  add(INDEX, indexPage(view, times));
  add(UNKNOWN, unknownPage(view));
  for (const notice of view.notices) add(`incidents/${notice.id}.html`, noticePage(view, notice, times));
  if (view.atom) add('feed.atom', atomFeed(view, times));
  for (const component of view.components) {
    add(`badge/${component.slug}/state.svg`, stateBadge(component));
    for (const window of WINDOWS) add(`badge/${component.slug}/uptime/${window}.svg`, uptimeBadge(component, window));
  }
  files.set('status.json', statusJson(view));
  return files;
}

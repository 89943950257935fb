/** The pages of the status page: plain HTML without a script, whose links are relative, so that it can be opened from a folder. */
import { iso } from '../../base/units.ts';
import type { DayFigures } from './component-days.ts';
import { markup, Markup, type Piece } from './markup.ts';
import { PAGE_POLICY, STYLE } from './page-style.ts';
import type { ComponentState, ComponentView, NoticeView, StatusView } from './view.ts';
import { lengthText, OVERALL_WORDS, percentText, phaseWord, STAGE_WORDS, STATE_WORDS, type Times } from './words.ts';

const MAX_PAST = 50;
const BAR = { width: 10, gap: 2, height: 28 };
/** Worse is taller, so that the colour is not the only sign. */
const LEVELS = {
  none: { height: 2, className: 'b-none' },
  up: { height: 14, className: 'b-up' },
  maintenance: { height: 14, className: 'b-maintenance' },
  warn: { height: 21, className: 'b-warn' },
  crit: { height: 28, className: 'b-crit' },
} as const;
/** A day below this availability is drawn as the worst. */
const CRITICAL = 0.99;

const SHAPES: Readonly<Record<ComponentState, string>> = {
  up: '<circle cx="8" cy="8" r="7" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M5 8.200l2.200 2.200 4-4.600" fill="none" stroke="currentColor" stroke-width="1.600"/>',
  unknown:
    '<circle cx="8" cy="8" r="6.500" fill="none" stroke="currentColor" stroke-width="1.500" stroke-dasharray="2.500 2"/>',
  maintenance:
    '<path d="M2 2h12v12H2z" fill="none" stroke="currentColor" stroke-width="1.600"/><path d="M5 8h6" stroke="currentColor" stroke-width="1.600"/>',
  degraded: '<path d="M8 1.500l7 13H1z" fill="currentColor"/>',
  outage: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor"/>',
};
const STYLE_ELEMENT = new Markup(`<style>${STYLE}</style>`);

const shape = (state: ComponentState): Markup =>
  markup`<svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${new Markup(SHAPES[state])}</svg>`;
const word = (state: ComponentState): Markup =>
  markup`<span class="word ${state}">${shape(state)} ${STATE_WORDS[state]}</span>`;
const time = (ms: number, text: string): Markup => markup`<time datetime="${iso(ms)}">${text}</time>`;

const ratioOf = ({ upMs, downMs }: DayFigures): number | null => (upMs + downMs === 0 ? null : upMs / (upMs + downMs));

function levelOf(day: DayFigures): keyof typeof LEVELS {
  const ratio = ratioOf(day);
  if (day.downMs > 0 && ratio !== null) return ratio < CRITICAL ? 'crit' : 'warn';
  if (day.upMs > 0) return 'up';
  return day.maintenanceMs > 0 ? 'maintenance' : 'none';
}

function dayText(day: DayFigures, times: Times): string {
  const down = day.downMs > 0 ? `, down ${lengthText(day.downMs)}` : '';
  const maintenance = day.maintenanceMs > 0 ? `, maintenance ${lengthText(day.maintenanceMs)}` : '';
  return `${times.day(day.fromMs)}: ${percentText(ratioOf(day))}${down}${maintenance}`;
}

function bars({ days, name }: ComponentView, times: Times): Markup {
  const bad = days.filter(({ downMs }) => downMs > 0).length;
  const text = `${name}: ${bad} of the last ${days.length} days with an outage`;
  const drawn = days.map((day, at) => {
    const { height, className } = LEVELS[levelOf(day)];
    return markup`<rect class="${className}" x="${at * BAR.width}" y="${BAR.height - height}" width="${BAR.width - BAR.gap}" height="${height}"><title>${dayText(day, times)}</title></rect>`;
  });
  return markup`<svg class="days" viewBox="0 0 ${days.length * BAR.width} ${BAR.height}" preserveAspectRatio="none" role="img" aria-label="${text}">${drawn}</svg>`;
}

function outages({ days }: ComponentView, times: Times): Piece {
  const bad = days.filter(({ downMs }) => downMs > 0).reverse();
  if (bad.length === 0) return undefined;
  const rows = bad.map(
    (day) =>
      markup`<tr><td>${times.day(day.fromMs)}</td><td>${lengthText(day.downMs)}</td><td>${percentText(ratioOf(day))}</td></tr>`,
  );
  return markup`<details><summary>Days with an outage: ${bad.length}</summary><table><thead><tr><th scope="col">Day</th><th scope="col">Down</th><th scope="col">Available</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

function componentCard(component: ComponentView, times: Times): Markup {
  const { slug, name, description, state, days, uptime } = component;
  const about = description === '' ? undefined : markup`<p class="muted about"><bdi>${description}</bdi></p>`;
  return markup`<section class="card" id="${slug}"><div class="row"><h3><bdi>${name}</bdi></h3>${word(state)}</div>${about}
${bars(component, times)}<div class="row muted"><span>${days.length} days</span><span>available ${percentText(uptime['90d'])}, in 30 days ${percentText(uptime['30d'])}</span></div>${outages(component, times)}</section>
`;
}

const NOTICE_STATES: Readonly<Record<NoticeView['impact'], ComponentState>> = {
  none: 'unknown',
  degraded: 'degraded',
  outage: 'outage',
};

function noticeSpan({ kind, startMs, endMs }: NoticeView, times: Times): Markup {
  const from = time(startMs, times.moment(startMs));
  if (endMs === null) return markup`since ${from}`;
  return markup`${from} to ${time(endMs, times.moment(endMs))}${kind === 'incident' ? markup`, ${lengthText(endMs - startMs)}` : undefined}`;
}

function noticeCard(notice: NoticeView, times: Times, heading: Markup): Markup {
  const { kind, impact, phase, components, updates } = notice;
  const state: ComponentState =
    phase === 'over' ? 'up' : kind === 'maintenance' ? 'maintenance' : NOTICE_STATES[impact];
  const names = components.map((name, at) => markup`${at === 0 ? '' : ', '}<bdi>${name}</bdi>`);
  const told = updates.map(
    ({ atMs, stage, text }) =>
      markup`<li><p class="muted"><b>${STAGE_WORDS[stage]}</b>, ${time(atMs, times.moment(atMs))}</p>${text === '' ? undefined : markup`<p class="text" dir="auto">${text}</p>`}</li>`,
  );
  return markup`<article class="card"><div class="row">${heading}<span class="word ${state}">${shape(state)} ${phaseWord(notice)}</span></div>
<p class="muted">${noticeSpan(notice, times)}${components.length === 0 ? undefined : markup`: ${names}`}</p><ol class="updates">${told}</ol></article>
`;
}

const linked = ({ id, title }: NoticeView): Markup =>
  markup`<h3><a href="incidents/${id}.html"><bdi>${title}</bdi></a></h3>`;

function group(title: string, notices: readonly NoticeView[], times: Times): Piece {
  if (notices.length === 0) return undefined;
  return markup`<h2>${title}</h2>${notices.map((notice) => noticeCard(notice, times, linked(notice)))}`;
}

function pastList(over: readonly NoticeView[], times: Times): Markup {
  const rows = over
    .slice(0, MAX_PAST)
    .map(
      (notice) =>
        markup`<li><a href="incidents/${notice.id}.html"><bdi>${notice.title}</bdi></a> <span class="muted">${noticeSpan(notice, times)}</span></li>`,
    );
  return markup`<h2>The last 90 days</h2><div class="card">${rows.length === 0 ? markup`<p>No incident was reported.</p>` : markup`<ul class="past">${rows}</ul>`}</div>`;
}

function documentOf(title: string, up: string, { atom }: StatusView, body: Markup): Markup {
  const feed = atom
    ? markup`<link rel="alternate" type="application/atom+xml" title="Incidents and maintenance" href="${up}feed.atom">`
    : undefined;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
${feed}
${STYLE_ELEMENT}
</head>
<body>
${body}
</body>
</html>
`;
}

function foot(view: StatusView, up: string, times: Times): Markup {
  const feed = view.atom ? markup` · <a href="${up}feed.atom">Atom feed</a>` : undefined;
  return markup`<footer class="muted">As of ${time(view.asOfMs, times.moment(view.asOfMs))}; load the page again for newer figures${feed} · <a href="${up}status.json">JSON</a></footer>`;
}

export function indexPage(view: StatusView, times: Times): Markup {
  const { title, state, components, notices } = view;
  const of = (phase: NoticeView['phase']): NoticeView[] => notices.filter((notice) => notice.phase === phase);
  return documentOf(
    title,
    '',
    view,
    markup`<header><h1><bdi>${title}</bdi></h1></header>
<main><div class="card verdict ${state}">${shape(state)}<span>${OVERALL_WORDS[state]}</span></div>
${group('Now', of('open'), times)}${group('Planned', of('planned').reverse(), times)}<h2>Components</h2>
${components.map((component) => componentCard(component, times))}${pastList(of('over'), times)}</main>
${foot(view, '', times)}`,
  );
}

export function noticePage(view: StatusView, notice: NoticeView, times: Times): Markup {
  const heading = markup`<h1><bdi>${notice.title}</bdi></h1>`;
  return documentOf(
    `${notice.title} · ${view.title}`,
    '../',
    view,
    markup`<header><p><a href="../index.html"><bdi>${view.title}</bdi></a></p></header>
<main>${noticeCard(notice, times, heading)}</main>
${foot(view, '../', times)}`,
  );
}

export function unknownPage(view: StatusView): Markup {
  return documentOf(
    `Not found · ${view.title}`,
    '/',
    view,
    markup`<header><h1>Nothing is at this address</h1></header><main><p><a href="/">Show the status</a></p></main>`,
  );
}

/** Incidents and maintenance as an Atom feed (RFC 4287). */
import { iso } from '../../base/units.ts';
import { createHash } from 'node:crypto';
import { markup, type Markup } from './markup.ts';
import type { NoticeView, StatusView } from './view.ts';
import { phaseWord, STAGE_WORDS, type Times } from './words.ts';

/** A name that stays the same over restarts, in the form of a UUID (RFC 9562, version 8). */
function uuidUrn(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const updatedMs = ({ updates, createdMs }: NoticeView): number =>
  updates.reduce((latest, { atMs }) => Math.max(latest, atMs), createdMs);

function textOf(notice: NoticeView, times: Times): string {
  const { kind, components, startMs, endMs, updates } = notice;
  const span = kind === 'maintenance' && endMs !== null ? ` to ${times.moment(endMs)}` : '';
  const head = `${times.moment(startMs)}${span}${components.length === 0 ? '' : `: ${components.join(', ')}`}`;
  const told = updates.map(
    ({ atMs, stage, text }) => `${times.moment(atMs)}, ${STAGE_WORDS[stage]}${text === '' ? '' : `: ${text}`}`,
  );
  return [head, ...told].join('\n\n');
}

function entry(notice: NoticeView, base: string, times: Times): Markup {
  return markup`<entry>
<id>${uuidUrn(`incident ${notice.id}`)}</id>
<title type="text">${phaseWord(notice)}: ${notice.title}</title>
<published>${iso(notice.createdMs)}</published>
<updated>${iso(updatedMs(notice))}</updated>
<link rel="alternate" type="text/html" href="${base}incidents/${notice.id}.html"/>
<category term="${notice.kind}"/>
<content type="text">${textOf(notice, times)}</content>
</entry>
`;
}

export function atomFeed({ title, url, notices }: StatusView, times: Times): Markup {
  const base = url === undefined ? '' : `${url.replace(/\/+$/, '')}/`;
  // Without an entry the feed has never changed.
  const latest = notices.reduce((ms, notice) => Math.max(ms, updatedMs(notice)), 0);
  return markup`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${uuidUrn(`feed ${base} ${title}`)}</id>
<title type="text">${title}</title>
<updated>${iso(latest)}</updated>
<author><name>${title}</name></author>
<link rel="self" type="application/atom+xml" href="${base}feed.atom"/>
<link rel="alternate" type="text/html" href="${base === '' ? './' : base}"/>
${notices.map((notice) => entry(notice, base, times))}</feed>
`;
}

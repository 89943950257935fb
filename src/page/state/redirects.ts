/** Old addresses, and those that people know from other programs, with the address that shows the same now. Pure. */

import { termOf } from './filter-text.ts';

interface Redirect {
  readonly old: RegExp;
  readonly to: string | ((match: RegExpExecArray, query: URLSearchParams) => string);
}

function withQuery(path: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Prometheus' own page: `/graph?g0.expr=up&g0.range_input=1h`. */
function fromGraph(_: RegExpExecArray, query: URLSearchParams): string {
  const moved = new URLSearchParams();
  const expr = query.get('g0.expr');
  const range = query.get('g0.range_input');
  if (expr !== null) moved.set('q', expr);
  if (range !== null && /^\d{1,9}[smhdwy]$/.test(range)) {
    moved.set('from', `now-${range}`);
    moved.set('to', 'now');
  }
  return withQuery('/explore', moved);
}

function renamed(path: string, from: string, to: string): Redirect['to'] {
  return (_, query) => {
    const value = query.get(from);
    const moved = new URLSearchParams([...query].filter(([name]) => name !== from));
    if (value !== null && !moved.has(to)) moved.set(to, value);
    return withQuery(path, moved);
  };
}

const TRACE_FIELDS = ['service', 'route', 'min_duration_ms', 'attribute', 'errors'] as const;

/** The trace list once had a parameter for each condition; now it has one filter. */
function oneFilter(_: RegExpExecArray, query: URLSearchParams): string {
  const [service, route, leastMs, attribute, errors] = TRACE_FIELDS.map((name) => query.get(name) ?? '');
  const [name, value] = attribute.split(/[=:](.*)/s);
  const terms = [
    query.get('q') ?? '',
    service === '' ? '' : termOf('service', service),
    route === '' ? '' : termOf('route', route),
    /^\d+$/.test(leastMs) ? `duration:>=${leastMs}ms` : '',
    name === '' || value === undefined ? '' : termOf(name, value),
    errors === 'true' ? 'span.status:error' : '',
  ];
  const moved = new URLSearchParams([...query].filter(([key]) => !TRACE_FIELDS.some((field) => field === key)));
  const filter = terms.filter((term) => term !== '').join(' ');
  if (filter !== '') moved.set('q', filter);
  return withQuery('/traces', moved);
}

export const REDIRECTS: readonly Redirect[] = [
  { old: /^\/(?:index\.html|overview)$/, to: '/' },
  { old: /^\/(?:balancer|cache|upstreams)$/, to: '/traffic' },
  { old: /^\/trace\/([0-9a-f]{1,32})$/, to: ([, id]) => `/traces/${id}` },
  { old: /^\/traces\/([0-9A-Fa-f]{1,32})$/, to: ([, id], query) => withQuery(`/traces/${id.toLowerCase()}`, query) },
  { old: /^\/graph$/, to: fromGraph },
  { old: /^\/query$/, to: fromGraph },
  { old: /^\/service$/, to: renamed('/service', 'name', 'service') },
  { old: /^\/(?:alert|alerting)$/, to: '/alerts' },
  { old: /^\/(?:search|traces)$/, to: oneFilter },
];

/** The present address of an old one; undefined when the address is not old. A trailing or a doubled slash is no difference. */
export function redirectOf(path: string, search: string): string | undefined {
  const query = new URLSearchParams(search);
  const bare = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  for (const { old, to } of REDIRECTS) {
    const match = old.exec(bare);
    if (match === null) continue;
    const target = typeof to === 'string' ? withQuery(to, query) : to(match, query);
    if (target !== withQuery(path, query)) return target;
  }
  return bare === path ? undefined : withQuery(bare, query);
}

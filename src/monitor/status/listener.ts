/**
 * The public port: GET and HEAD of the files of the status page and nothing else. No query, header or body changes an answer,
 * so there is nothing to attack but the look-up of a path in a map.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PAGE_POLICY } from './page-style.ts';
import type { Publisher, StatusFile } from './publisher.ts';
import { INDEX, UNKNOWN } from './site.ts';

const compress = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.atom': 'application/atom+xml; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
};

const HEADERS = {
  'Content-Security-Policy': `${PAGE_POLICY}; frame-ancestors 'none'; sandbox allow-same-origin allow-popups`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
} as const;
/** A cache in front may go on with the last page while this port does not answer. */
const CACHING = 'public, max-age=15, stale-while-revalidate=60, stale-if-error=86400';
const NOT_READY = 'The status page has no figures yet.\n';

const acceptsGzip = ({ headers }: IncomingMessage): boolean => {
  const found = /(?:^|[\s,])gzip\s*(?:;\s*q=([\d.]+))?\s*(?:,|$)/i.exec(headers['accept-encoding']?.toString() ?? '');
  return found !== null && Number(found[1] ?? 1) > 0;
};

/** Weak comparison (RFC 9110, section 13.1.2); both codings of a file carry its tag. */
const isKnown = ({ headers }: IncomingMessage, tag: string): boolean => {
  const given = headers['if-none-match'] ?? '';
  return given.trim() === '*' || given.split(',').some((one) => /"([^"]*?)(?:-gz)?"/.exec(one)?.[1] === tag);
};

function plain(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  const fields = { ...HEADERS, 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store', ...headers };
  response.writeHead(status, fields).end(text);
}

export function statusListener(publisher: Publisher): RequestListener {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      // A body is not read, so it must not be taken for the next request.
      plain(response, 405, 'Only GET and HEAD can be used here.\n', { Allow: 'GET, HEAD', Connection: 'close' });
      return;
    }
    const files = publisher.files();
    if (files === undefined) {
      plain(response, 503, NOT_READY, { 'Retry-After': '5' });
      return;
    }
    const [path] = (request.url ?? '/').split('?', 1);
    const name = path === '/' ? INDEX : path.slice(1);
    const file = name === UNKNOWN ? undefined : files.get(name);
    if (file !== undefined) void answer(request, response, 200, name, file);
    else void answer(request, response, 404, UNKNOWN, files.get(UNKNOWN) as StatusFile);
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  name: string,
  file: StatusFile,
): Promise<void> {
  const zipped = acceptsGzip(request);
  const isBadge = name.startsWith('badge/');
  const headers: Record<string, string> = {
    ...HEADERS,
    'Cache-Control': CACHING,
    ETag: `"${file.tag}${zipped ? '-gz' : ''}"`,
    Vary: 'Accept-Encoding',
    // Other pages embed badges and read the figures; the pages themselves stay apart.
    'Cross-Origin-Resource-Policy': isBadge ? 'cross-origin' : 'same-origin',
    ...(name === 'status.json' || name === 'feed.atom' ? { 'Access-Control-Allow-Origin': '*' } : {}),
  };
  if (status === 200 && isKnown(request, file.tag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const bytes = zipped ? await (file.gzipped ??= compress(file.bytes)) : file.bytes;
  headers['Content-Type'] = TYPES[extname(name)] ?? 'application/octet-stream';
  headers['Content-Length'] = String(bytes.length);
  if (zipped) headers['Content-Encoding'] = 'gzip';
  response.writeHead(status, headers);
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/**
 * The built page, read into memory once at start. A request looks its path up in a map, so no spelling of a path can reach
 * another file. Each file is compressed once, by the first request for it: at start, nobody would see the monitor meanwhile.
 * Browsers may keep files with a hash in their name for ever; they must
 * revalidate all others.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context } from 'koa';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};
const COMPRESSIBLE = /^(text\/|application\/|image\/svg)/;

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly immutable: boolean;
  readonly bytes: Buffer;
  readonly isCompressible: boolean;
  /** By coding, once somebody has asked. */
  readonly encoded: Map<Coding, Promise<Buffer>>;
}

type Coding = keyof typeof ENCODERS;

const [brotli, gzipped] = [promisify(brotliCompress), promisify(gzip)];
const ENCODERS = {
  br: (bytes: Buffer): Promise<Buffer> => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
  gzip: (bytes: Buffer): Promise<Buffer> => gzipped(bytes, { level: 9 }),
};

/** The addresses of the page. Each is answered with the page's one HTML document. */
const PAGES =
  /^\/(?:traces(?:\/[0-9a-fA-F]{1,32})?|services?|requests(?:\/[\w.:-]{8,128})?|logs|errors(?:\/[\w-]{1,64})?|map|explore|dashboards(?:\/[\w-]{1,64})?|alerts(?:\/(?:rules|[0-9a-f]{16}))?|targets(?:\/[\w.~-]{1,128})?|slo|status|traffic|reports|settings|sign-in)?$/;
/** The addresses for programs: an unknown one is an error for them, never a page. */
const PROGRAMS = /^\/(?:api|v1|probe|metrics|federate|ws|assets|health|livez|readyz|-)(?:\/|$)|\.\w{1,5}$/i;

/** A person who follows an old or mistyped link gets the page, which says that nothing is at this address. */
const isUnknownPage = (ctx: Context): boolean =>
  !PROGRAMS.test(ctx.path) && (ctx.get('Accept').includes('text/html') || ctx.get('Sec-Fetch-Dest') === 'document');

export type PageFiles = ReadonlyMap<string, PageFile>;

function fileOf(name: string, bytes: Buffer): PageFile {
  const type = TYPES[path.extname(name)] ?? 'application/octet-stream';
  return {
    type,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    immutable: /[.-][\w-]{8,}\.(js|css|woff2|svg|png)$/.test(name) && name.startsWith('assets/'),
    bytes,
    isCompressible: COMPRESSIBLE.test(type),
    encoded: new Map(),
  };
}

/** Every regular file under `dir`; an empty map when the folder does not exist. Links are not followed. */
export async function loadPage(dir: string): Promise<PageFiles> {
  const files = new Map<string, PageFile>();
  let entries;
  try {
    entries = await readdir(dir, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return files;
    throw error;
  }
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const full = path.join(entry.parentPath, entry.name);
    const name = path.relative(dir, full).split(path.sep).join('/');
    files.set(`/${name}`, fileOf(name, await readFile(full)));
  }
  return files;
}

async function pick(ctx: Context, file: PageFile): Promise<{ bytes: Buffer; coding: string }> {
  const coding = ctx.acceptsEncodings('br', 'gzip', 'identity');
  if ((coding !== 'br' && coding !== 'gzip') || !file.isCompressible) return { bytes: file.bytes, coding: '' };
  const bytes = file.encoded.get(coding) ?? ENCODERS[coding](file.bytes);
  file.encoded.set(coding, bytes);
  return { bytes: await bytes, coding };
}

/** True when the path is a file or an address of the page; the response is then complete. */
export async function servePage(ctx: Context, files: PageFiles): Promise<boolean> {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return false;
  const file = PAGES.test(ctx.path) ? files.get('/index.html') : files.get(ctx.path);
  if (file === undefined) return false;
  await send(ctx, file, 200);
  return true;
}

/** Answers a person who asks for an address that nothing has. True when the response is complete. */
export async function serveUnknown(ctx: Context, files: PageFiles): Promise<boolean> {
  const file = files.get('/index.html');
  if ((ctx.method !== 'GET' && ctx.method !== 'HEAD') || file === undefined || !isUnknownPage(ctx)) return false;
  await send(ctx, file, 404);
  return true;
}

async function send(ctx: Context, file: PageFile, status: number): Promise<void> {
  ctx.set('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  ctx.set('ETag', file.etag);
  ctx.vary('Accept-Encoding');
  ctx.status = status;
  if (status === 200 && ctx.fresh) {
    ctx.status = 304;
    return;
  }
  const { bytes, coding } = await pick(ctx, file);
  if (coding !== '') ctx.set('Content-Encoding', coding);
  ctx.body = bytes;
  ctx.type = file.type;
}

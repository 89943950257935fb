/** The parts of a request that routes are found by: host and path. Pure. */

export function bareHost(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}

/** By whole segments: `/api` holds `/api` and `/api/x`, not `/apix`. */
export function underPath(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}

/** `/a/../b`, also with encoded dots or slashes: two readers may match it to different routes. */
export function isAmbiguousPath(path: string): boolean {
  return /(?:^|\/|%2f)(?:\.|%2e){1,2}(?:\/|%2f|$)|%2f|%5c|\\|\/\//i.test(path);
}

/** Percent-encodings of letters, digits and `-._~` undone (RFC 3986 section 6.2.2.2): `/%61dmin` is `/admin` to whoever serves it. */
export function plainPath(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(/%([2-7][0-9A-Fa-f])/g, (whole, hex: string) => {
    const letter = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(letter) ? letter : whole;
  });
}

export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

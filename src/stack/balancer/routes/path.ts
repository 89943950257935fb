/** The parts of a request by which its route is found: host and path. Pure. */

export function bareHost(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
}

/** Compares whole segments: `/api` contains `/api` and `/api/x`, but not `/apix`. */
export function underPath(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 47);
}

const ODD_SLASH = /%2f|%5c|\\|\/\//i;
const ENCODED_SLASH = /%2f|%5c|\\/gi;

/** Whether a path has dot segments, such as `/a/../b`, also with encoded dots or slashes. */
export function hasDotSegments(path: string): boolean {
  return /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i.test(path);
}

/**
 * How else servers read the slashes of a path: some decode `%2F` or take `\` for a slash, some merge doubled ones. Empty for
 * nearly all paths.
 */
export function otherReadings(path: string): readonly string[] {
  if (!ODD_SLASH.test(path)) return [];
  const decoded = path.replace(ENCODED_SLASH, '/');
  const merged = (one: string): string => one.replace(/\/{2,}/g, '/');
  return [decoded, merged(path), merged(decoded)];
}

/**
 * Decodes percent-encoded letters, digits and `-._~` (RFC 3986 section 6.2.2.2): every server reads `/%61dmin` as `/admin`.
 */
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

/**
 * Names for paths without a route of a framework: `/users/42` becomes `/users/:id`, `/assets/app.3f9c.js` becomes
 * `/assets/*.js`. Templates are learned only from answers that prove that the path exists, and their number is limited, so
 * neither a scanner nor a service with ids in unusual places can grow telemetry.
 */
const TEMPLATES_LIMIT = 100;
const PATHS_LIMIT = 2048;
const SEGMENTS_LIMIT = 8;
/** Statuses that do not prove that a path exists. */
const NOTHING_THERE = new Set([400, 404, 405, 410, 414, 431]);

const VERSION = /^v\d{1,3}(?:\.\d{1,3}){0,2}(?:(?:alpha|beta)\d{0,3})?$/i;
const WORD_LIMIT = 24;
/** Files are named by their folder and kind: build tools put hashes into their names. */
const FILE =
  /\.(html?|css|[cm]?js|map|json|xml|txt|csv|pdf|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp3|mp4|webm|ogg|wav|wasm|zip|t?gz|tar|webmanifest|md|ya?ml|[cm]?tsx?|jsx|vue)$/i;

/**
 * `:id` for a segment that looks like an id: anything with a digit (`42`, `acc-004`, a UUID), hex, a long segment, or one
 * that is not a plain word. Names with digits are rarer than ids, each of which would be a series; versions (`v2`) stay.
 */
function segmentTemplate(segment: string): string {
  if (segment.length === 0 || VERSION.test(segment)) return segment;
  if (segment.length > WORD_LIMIT || /\d|^[a-f-]{8,}$/i.test(segment)) return ':id';
  return /^[\w.~@:+,-]+$/.test(segment) ? segment : ':id';
}

export function pathTemplate(path: string): string {
  const segments = path.split('/');
  const kept = segments.slice(0, SEGMENTS_LIMIT + 1).map(segmentTemplate);
  if (segments.length > SEGMENTS_LIMIT + 1) return `${kept.join('/')}/*`;
  const kind = FILE.exec(segments[segments.length - 1])?.[1];
  if (kind !== undefined) kept[kept.length - 1] = `*.${kind.toLowerCase()}`;
  return kept.join('/');
}

export class PathTemplates {
  /** The name of a path that was not learned. */
  readonly other: string;
  readonly #known = new Set<string>();
  readonly #paths = new Map<string, string>();

  constructor(prefix: string) {
    this.other = prefix === '/' ? '/*' : `${prefix}/*`;
  }

  /** The template of a path, if the template was learned. */
  find(path: string): string | undefined {
    const remembered = this.#paths.get(path);
    if (remembered !== undefined) return remembered;
    const template = pathTemplate(path);
    if (!this.#known.has(template)) return undefined;
    if (this.#paths.size >= PATHS_LIMIT) this.#paths.clear();
    this.#paths.set(path, template);
    return template;
  }

  /** Records that an unknown path was answered with `status`. Returns the name that the path has from now on. */
  learn(path: string, status: number): string {
    if (NOTHING_THERE.has(status) || this.#known.size >= TEMPLATES_LIMIT) return this.other;
    const template = pathTemplate(path);
    this.#known.add(template);
    return template;
  }
}

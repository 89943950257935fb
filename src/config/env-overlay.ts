/**
 * Values from the environment: `${VAR}` in values, and variables that name a key (`VITRINE_BALANCER__LISTEN` sets
 * `balancer.listen`). Two underscores separate the levels; one belongs to the key.
 */
import type { Path } from './document.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface Overlay {
  readonly path: Path;
  readonly value: unknown;
  /** The variable, for messages. */
  readonly source: string;
}

/** Numbers, booleans, null and JSON collections are parsed; everything else is text. */
export function valueOfText(text: string): unknown {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Variables with the prefix and at least one `__`, or exactly a top-level section; other variables are not configuration.
 */
export function overlaysFrom(env: Env, prefix: string, sections: readonly string[]): Overlay[] {
  const overlays: Overlay[] = [];
  for (const source of Object.keys(env).sort()) {
    const text = env[source];
    if (!source.startsWith(prefix) || text === undefined || text === '') continue;
    const path = source.slice(prefix.length).toLowerCase().split('__');
    const isNamed = path.length > 1 && path.every((part) => part !== '') && sections.includes(path[0]);
    if (!isNamed) continue;
    overlays.push({
      path: path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
      value: valueOfText(text),
      source,
    });
  }
  return overlays;
}

const REFERENCE = /\$(?:\$|\{([A-Za-z_]\w*)(?::-([^}]*))?\})/g;

const NO_NAMES: ReadonlySet<string> = new Set();

/**
 * Replaces `${VAR}`, `${VAR:-default}` (the default also for an empty VAR) and `$$` (a dollar). `missing` is called with
 * each name without a value. `own`: names that are no variables here; they stay.
 */
export function substitute(text: string, env: Env, missing: (name: string) => void, own = NO_NAMES): string {
  return text.replace(REFERENCE, (whole, name: string | undefined, otherwise: string | undefined) => {
    if (name === undefined) return whole === '$$' ? '$' : whole;
    if (otherwise === undefined && own.has(name)) return whole;
    const value = env[name];
    if (value !== undefined && (value !== '' || otherwise === undefined)) return value;
    if (otherwise !== undefined) return otherwise;
    missing(name);
    return '';
  });
}

/** The opposite of `substitute`: a text that is read as `text`, whatever variables there are. */
export const literalText = (text: string, own = NO_NAMES): string =>
  text.replace(/\$(?=\$|\{)/g, (dollar, at: number) => {
    const [, name] = /^\$\{([A-Za-z_]\w*)\}/.exec(text.slice(at)) ?? [];
    return name !== undefined && own.has(name) && text[at - 1] !== '$' ? dollar : '$$';
  });

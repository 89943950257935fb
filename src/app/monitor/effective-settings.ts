/**
 * The configuration that is in use, as rows for `GET /api/config`: every value with its key, and whether it is the default.
 * Nothing secret leaves: values of the secret type, of keys that are named like one, of headers, and whatever may hold a key in
 * a URL (user, password, query, and for notifications also the path) are replaced.
 */
import { Secret } from '../../config/types.ts';
import { unitAt } from '../../config/schema-walk.ts';
import type { Path } from '../../config/document.ts';
import { pathText } from '../../config/issues.ts';
import type { SettingView } from '../../monitor/api/care-contract.ts';
import { addressText } from '../process/settings.ts';
import { settingsSchema, type Settings } from '../process/settings-schema.ts';

const MAX_ROWS = 5_000;
const MAX_TEXT = 500;
const HIDDEN = '<secret>';
const SECRET_KEY =
  /pass(?:word|phrase)?$|secret|token|credential|authori[sz]ation|cookie|api_?key|auth_?key|routing_key|dsn/i;
const HEADERS = /headers?$/i;

interface Leaf {
  readonly path: Path;
  readonly value: string | number | boolean | null;
}

/** Without anything that may be a key. Under `notify`, webhooks have theirs in the path. */
function plainText(text: string, path: Path): string {
  const url = /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)([^?#]*)(.*)$/i.exec(text);
  if (url === null) return text;
  const [, scheme, authority, rest, query] = url;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const hidesPath = path[0] === 'notify' && rest.length > 1;
  return `${scheme}${host === authority ? '' : `${HIDDEN}@`}${host}${hidesPath ? `/${HIDDEN}` : rest}${query === '' ? '' : `?${HIDDEN}`}`;
}

const isSecretAt = (path: Path): boolean =>
  path.some((part) => typeof part === 'string' && SECRET_KEY.test(part) && !part.endsWith('_file')) ||
  path.slice(0, -1).some((part) => typeof part === 'string' && HEADERS.test(part));

const isAddress = (value: object): value is { host: string; port: number } =>
  Object.keys(value).sort().join() === 'host,port';

/** Undefined for what has parts of its own. */
function plainValue(value: unknown, path: Path): Leaf['value'] | undefined {
  if (value === null) return null;
  if (value instanceof Secret) return HIDDEN;
  if (typeof value === 'object') return isAddress(value) ? addressText(value) : undefined;
  if (isSecretAt(path)) return HIDDEN;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'string' ? plainText(value, path).slice(0, MAX_TEXT) : typeof value;
}

function* leavesOf(value: unknown, path: Path): Generator<Leaf> {
  if (value === undefined) return;
  const plain = plainValue(value, path);
  if (plain !== undefined) {
    yield { path, value: plain };
    return;
  }
  const isList = Array.isArray(value);
  const entries: [string | number, unknown][] = isList ? [...value.entries()] : Object.entries(value as object);
  if (entries.length === 0) yield { path, value: isList ? 'none' : '' };
  for (const [key, inner] of entries) yield* leavesOf(inner, [...path, key]);
}

const defaults = (): ReadonlyMap<string, Leaf['value']> => {
  const read = settingsSchema.safeParse({});
  return new Map(read.success ? [...leavesOf(read.data, [])].map(({ path, value }) => [pathText(path), value]) : []);
};

/** The key of the balancer from which a route inherits; the same path for any other. */
const inheritedFrom = (path: Path): Path =>
  path[0] === 'balancer' && path[1] === 'routes' && path.length > 3 ? ['balancer', ...path.slice(3)] : path;

/** Those that differ from the default first, each group in the order of the schema. */
export function effectiveSettings(settings: Settings): SettingView[] {
  const usual = defaults();
  const leaves = [...leavesOf(settings, [])].slice(0, MAX_ROWS);
  const own = new Map(leaves.map(({ path, value }) => [pathText(path), value]));
  const rows = leaves.map(({ path, value }): SettingView => {
    const from = inheritedFrom(path);
    const given = from === path ? usual.get(pathText(path)) : own.get(pathText(from));
    const unit = unitAt(settingsSchema, path) || unitAt(settingsSchema, from);
    return { key: pathText(path), value, unit, is_default: given === value };
  });
  return [...rows.filter(({ is_default: same }) => !same), ...rows.filter(({ is_default: same }) => same)];
}

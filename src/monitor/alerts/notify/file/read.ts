/**
 * Reads Alertmanager's configuration file. The result is a checked configuration, or all mistakes at once, each with
 * file:line:col. Parts of a valid file that have no effect here are named in warnings in the same form.
 */
import { readDocument, type ConfigDocument, type Path } from '../../../../config/document.ts';
import { flattenIssues, formatIssue, linesOf } from '../../../../config/issues.ts';
import { UNUSED_HTTP } from '../receivers/http-config.ts';
import type { ReceiverKind } from '../receivers/kind.ts';
import { redactedText } from './redact.ts';
import { routeOf, type Route, type WrittenRoute } from './route.ts';
import { fileSchema, type InhibitRule, type WrittenFile } from './schema.ts';
import type { TimeIntervals } from './time-interval.ts';
import { UNDELIVERED } from './undelivered.ts';

/** One entry of a receiver, such as its first webhook. */
export interface Integration {
  readonly kind: ReceiverKind;
  /** The place among the entries of the same kind: part of the key of the notification log. */
  readonly index: number;
  readonly entry: unknown;
}

export interface ReceiverSpec {
  readonly name: string;
  /** For filters of the API; always has `name`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly integrations: readonly Integration[];
}

export interface NotifyConfig {
  readonly file: string;
  readonly resolveTimeoutMs: number;
  readonly route: Route;
  readonly inhibitRules: readonly InhibitRule[];
  readonly receivers: ReadonlyMap<string, ReceiverSpec>;
  readonly timeIntervals: TimeIntervals;
  /** Patterns of files with templates. */
  readonly templates: readonly string[];
  /** The file as YAML with `<secret>` in place of each secret. */
  readonly original: string;
}

export interface NotifyFileRead {
  readonly config: NotifyConfig | undefined;
  readonly issues: readonly string[];
  readonly warnings: readonly string[];
}

interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly isKey?: boolean;
}

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

export function readNotifyFile(text: string, file: string, kinds: readonly ReceiverKind[]): NotifyFileRead {
  const lines = linesOf(text);
  const read = readDocument(text, { scalarsAsText: true });
  if ('issues' in read) {
    const issues = read.issues.map(({ path, message, line, column }) =>
      formatIssue({ path, message, place: { line, column }, source: file }, lines),
    );
    return { config: undefined, issues, warnings: [] };
  }
  const { document } = read;
  const shown = ({ path, message, isKey }: Finding): string => {
    const place = isKey === true ? document.placeOfKey(path) : document.placeOf(path);
    return formatIssue({ path, message, place, source: file }, lines);
  };
  const tree = inherited(withoutNulls(document.value ?? {}, [], document), kinds);
  const globals = isTree(tree) && isTree(tree['global']) ? new Set(Object.keys(tree['global'])) : new Set<string>();
  const schema = fileSchema(kinds, globals);
  const parsed = schema.safeParse(tree);
  if (!parsed.success) {
    return {
      config: undefined,
      issues: inOrder(flattenIssues(parsed.error.issues, tree, schema), document).map(shown),
      warnings: [],
    };
  }
  const wrong = acrossSections(parsed.data);
  if (wrong.length > 0) return { config: undefined, issues: wrong.map(shown), warnings: [] };
  return {
    config: configOf(parsed.data, file, kinds, redactedText(tree as Tree)),
    issues: [],
    warnings: unusedParts(tree as Tree, kinds).map(shown),
  };
}

const inOrder = (findings: readonly Finding[], document: ConfigDocument): Finding[] =>
  findings.toSorted((a, b) => {
    const [one, other] = [document.placeOf(a.path), document.placeOf(b.path)];
    return one.line - other.line || one.column - other.column;
  });

/**
 * As in Go, a key without a value is absent. Below a `payload`, which is sent as it is, plain scalars get the type that they
 * look like.
 */
function withoutNulls(value: unknown, path: Path, document: ConfigDocument): unknown {
  if (Array.isArray(value)) return value.map((one, at) => withoutNulls(one, [...path, at], document));
  if (isTree(value)) {
    const entries = Object.entries(value)
      .filter(([key, inner]) => !isAbsent(inner, [...path, key], document))
      .map(([key, inner]) => [key, withoutNulls(inner, [...path, key], document)] as const);
    return Object.fromEntries(entries);
  }
  if (typeof value !== 'string' || !document.isPlain(path)) return value;
  if (path[4] === 'payload') return typed(value);
  return REGEX_MAPS.has(path.at(-2)) && NULL.test(value) ? null : value;
}

const NULL = /^(?:|~|null|Null|NULL)$/;
/** Maps in which Alertmanager refuses a name without a value. */
const REGEX_MAPS: ReadonlySet<unknown> = new Set(['match_re', 'source_match_re', 'target_match_re']);

function isAbsent(value: unknown, path: Path, document: ConfigDocument): boolean {
  if (typeof value !== 'string' || REGEX_MAPS.has(path.at(-2)) || path[4] === 'payload') return false;
  // An empty text in `global` is the same as no setting.
  return (NULL.test(value) && document.isPlain(path)) || (path[0] === 'global' && value === '');
}

function typed(text: string): unknown {
  if (/^(?:|~|null)$/.test(text)) return null;
  if (/^(?:true|false)$/.test(text)) return text === 'true';
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(text) ? Number(text) : text;
}

/** Fills in what entries of receivers take from `global`. */
function inherited(tree: unknown, kinds: readonly ReceiverKind[]): unknown {
  if (!isTree(tree) || !isTree(tree['global']) || !Array.isArray(tree['receivers'])) return tree;
  const global = tree['global'];
  const fill = (entry: unknown, { inherits = {}, alternatives = [], usesHttp = true }: ReceiverKind): unknown => {
    if (!isTree(entry)) return entry;
    const isGiven = (field: string): boolean => {
      const plain = field.replace(/_file$/, '');
      const group = alternatives.find((names) => names.includes(field)) ?? [plain, `${plain}_file`];
      return group.some((name) => entry[name] !== undefined);
    };
    const given = Object.entries({ ...(usesHttp ? { http_config: 'http_config' } : {}), ...inherits })
      .filter(([field, from]) => !isGiven(field) && from in global)
      .map(([field, from]) => [field, global[from]] as const);
    return { ...entry, ...Object.fromEntries(given) };
  };
  const receivers = (tree['receivers'] as unknown[]).map((receiver) => {
    if (!isTree(receiver)) return receiver;
    const filled = { ...receiver };
    for (const kind of kinds) {
      const entries = receiver[kind.key];
      if (Array.isArray(entries)) filled[kind.key] = entries.map((entry) => fill(entry, kind));
    }
    return filled;
  });
  return { ...tree, receivers };
}

/** Mistakes that only show when sections are seen together. */
function acrossSections(file: WrittenFile): Finding[] {
  const { route } = file;
  if (route === undefined)
    return [{ path: [], message: 'there is no route: a file needs at least "route: { receiver: … }"' }];
  const found: Finding[] = [];
  const receivers = new Set(file.receivers.map(({ name }) => name));
  const intervals = [...file.mute_time_intervals, ...file.time_intervals].map(({ name }) => name);
  found.push(...twice(file.receivers, 'receivers'), ...twice(file.mute_time_intervals, 'mute_time_intervals'));
  file.time_intervals.forEach(({ name }, at) => {
    if (intervals.indexOf(name) < at + file.mute_time_intervals.length)
      found.push({ path: ['time_intervals', at, 'name'], message: `"${name}" is the name of two time intervals` });
  });
  if ((route.receiver ?? '') === '') found.push({ path: ['route'], message: 'the root route must name a receiver' });
  if (route.matchers.length > 0) found.push({ path: ['route'], message: 'the root route cannot have matchers' });
  for (const key of ['mute_time_intervals', 'active_time_intervals'] as const) {
    if ((route[key] ?? []).length > 0)
      found.push({ path: ['route', key], message: 'the root route cannot have time intervals' });
  }
  const known = { receivers, intervals: new Set(intervals) };
  return [...found, ...unknownNames(route, ['route'], known)];
}

function twice(list: readonly { readonly name: string }[], section: string): Finding[] {
  const names = list.map(({ name }) => name);
  return names.flatMap((name, at) =>
    names.indexOf(name) < at ? [{ path: [section, at, 'name'], message: `the name "${name}" stands twice` }] : [],
  );
}

interface Known {
  readonly receivers: ReadonlySet<string>;
  readonly intervals: ReadonlySet<string>;
}

function unknownNames(route: WrittenRoute, path: Path, known: Known): Finding[] {
  const found: Finding[] = [];
  if (route.receiver !== undefined && route.receiver !== '' && !known.receivers.has(route.receiver))
    found.push({ path: [...path, 'receiver'], message: `no receiver is named "${route.receiver}"` });
  for (const key of ['mute_time_intervals', 'active_time_intervals'] as const) {
    (route[key] ?? []).forEach((name, at) => {
      if (!known.intervals.has(name))
        found.push({ path: [...path, key, at], message: `no time interval is named "${name}"` });
    });
  }
  const inner = (route.routes ?? []).flatMap((child, at) => unknownNames(child, [...path, 'routes', at], known));
  return [...found, ...inner];
}

function configOf(file: WrittenFile, name: string, kinds: readonly ReceiverKind[], original: string): NotifyConfig {
  const route = routeOf(file.route as WrittenRoute);
  const receivers = file.receivers.map((written): ReceiverSpec => {
    const integrations = kinds.flatMap((kind) =>
      (((written as Tree)[kind.key] as unknown[] | undefined) ?? []).map((entry, index) => ({ kind, index, entry })),
    );
    return { name: written.name, labels: { ...written.labels, name: written.name }, integrations };
  });
  return {
    file: name,
    resolveTimeoutMs: file.global.resolve_timeout,
    route,
    inhibitRules: file.inhibit_rules,
    receivers: new Map(receivers.map((receiver) => [receiver.name, receiver])),
    timeIntervals: new Map(
      [...file.mute_time_intervals, ...file.time_intervals].map((one) => [one.name, one.time_intervals]),
    ),
    templates: file.templates,
    original,
  };
}

/** What a valid file has and Vitrine does not do. */
function unusedParts(tree: Tree, kinds: readonly ReceiverKind[]): Finding[] {
  const found: Finding[] = [];
  for (const section of ['tracing', 'event_recorder']) {
    const message = 'this section is for Alertmanager itself and has no effect here';
    if (section in tree) found.push({ path: [section], message, isKey: true });
  }
  const receivers = (tree['receivers'] ?? []) as readonly Tree[];
  receivers.forEach((receiver, at) => {
    for (const [key, entries] of Object.entries(receiver)) {
      const path: Path = ['receivers', at, key];
      const kind = kinds.find((one) => one.key === key);
      if (kind !== undefined) found.push(...unusedFields(entries as Tree[], kind, path));
      else if (key in UNDELIVERED) {
        const message = `Vitrine does not deliver to ${key.replace(/_configs$/, '')}; receiver "${String(receiver['name'])}" gets nothing through it`;
        found.push({ path, message, isKey: true });
      }
    }
  });
  return found;
}

function unusedFields(
  entries: readonly Tree[],
  { unused = [], usesHttp = true, name }: ReceiverKind,
  above: Path,
): Finding[] {
  const fields = [...(usesHttp ? UNUSED_HTTP.map((field) => `http_config.${field}`) : []), ...unused];
  return entries.flatMap((entry, at) =>
    fields.flatMap((field): Finding[] => {
      const parts = field.split('.');
      const value = parts.reduce<unknown>((inner, part) => (isTree(inner) ? inner[part] : undefined), entry);
      if (value === undefined) return [];
      return [{ path: [...above, at, ...parts], message: `${field} of ${name} has no effect here`, isKey: true }];
    }),
  );
}

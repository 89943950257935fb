/** The fields of the form and the target as it is written in the configuration, both ways. Pure. */
import { formText } from '../state/form-text.ts';

/** A target as the configuration writes it. */
export type Written = Readonly<Record<string, unknown>>;

/** The kinds that one address describes; others are written in the file or sent to the API. */
export const FORM_KINDS = [
  { kind: 'web', title: 'Web page with its resources' },
  { kind: 'api', title: 'HTTP request' },
  { kind: 'tcp', title: 'TCP connection' },
  { kind: 'tls', title: 'TLS certificate' },
  { kind: 'websocket', title: 'WebSocket' },
  { kind: 'grpc', title: 'gRPC health' },
  { kind: 'heartbeat', title: 'Heartbeat of a job' },
] as const;
export type FormKind = (typeof FORM_KINDS)[number]['kind'] | 'other';

export interface TargetFields {
  readonly name: string;
  readonly kind: FormKind;
  readonly address: string;
  readonly interval: string;
  readonly timeout: string;
  readonly status: string;
  readonly latency: string;
  readonly group: string;
  readonly tags: string;
  readonly depends_on: string;
  readonly competitor: boolean;
  readonly enabled: boolean;
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const list = (value: unknown): string => (Array.isArray(value) ? value.map(String).join(', ') : '');
const objectOf = (value: unknown): Written => (typeof value === 'object' && value !== null ? (value as Written) : {});

function kindOf(written: Written): FormKind {
  if (written['url'] !== undefined) return written['type'] === 'web' ? 'web' : 'api';
  return (
    FORM_KINDS.find(({ kind }) => written[kind] !== undefined)?.kind ??
    (Object.keys(written).length === 0 ? 'web' : 'other')
  );
}

const keyOf = (kind: string): string => (kind === 'web' || kind === 'api' ? 'url' : kind);

export function fieldsOf(written: Written): TargetFields {
  const kind = kindOf(written);
  const expect = objectOf(written['expect']);
  return {
    name: text(written['name']),
    kind,
    address: text(written[keyOf(kind)]),
    interval: text(written['interval']),
    timeout: text(written['timeout']),
    status: Array.isArray(expect['status']) ? list(expect['status']) : text(expect['status']),
    latency: text(expect['latency']),
    group: text(written['group']),
    tags: list(written['tags']),
    depends_on: list(written['depends_on']),
    competitor: written['competitor'] === true,
    enabled: written['enabled'] !== false,
  };
}

/** A secret comes as this word, and must not be sent back as if it were the secret. */
export const hasSecrets = (written: Written): boolean => JSON.stringify(written).includes('"<secret>"');

const KIND_KEYS = ['url', 'tcp', 'tls', 'websocket', 'grpc', 'heartbeat'];

const wordsOf = (given: string): string[] =>
  given
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const without = (written: Written, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(written).filter(([key]) => !keys.includes(key)));

/** Keys that an empty field removes. */
function optional(form: FormData): Record<string, unknown> {
  const said = (name: string): string => formText(form, name);
  const lists = { tags: wordsOf(said('tags')), depends_on: wordsOf(said('depends_on')) };
  return {
    ...Object.fromEntries(
      ['interval', 'timeout', 'group'].flatMap((key) => (said(key) === '' ? [] : [[key, said(key)]])),
    ),
    ...Object.fromEntries(Object.entries(lists).filter(([, words]) => words.length > 0)),
    ...(form.get('competitor') === null ? {} : { competitor: true }),
    ...(form.get('enabled') === null ? { enabled: false } : {}),
  };
}

function expectOf(form: FormData, before: Written): Written {
  const said = (name: string): string => formText(form, name);
  const statuses = wordsOf(said('status'));
  return {
    ...without(objectOf(before['expect']), ['status', 'latency']),
    ...(statuses.length === 0 ? {} : { status: statuses.length === 1 ? statuses[0] : statuses }),
    ...(said('latency') === '' ? {} : { latency: said('latency') }),
  };
}

/** `before` with what the form says. */
export function writtenOf(form: FormData, before: Written): Written {
  const kind = formText(form, 'kind');
  const changed = ['interval', 'timeout', 'group', 'tags', 'depends_on', 'competitor', 'enabled', 'name', 'expect'];
  const isOther = kindOf(before) === 'other';
  const rest = without(before, [...changed, ...(isOther ? [] : [...KIND_KEYS, 'type'])]);
  const expect = expectOf(form, before);
  return {
    ...rest,
    name: formText(form, 'name'),
    ...(isOther ? {} : { [keyOf(kind)]: formText(form, 'address') }),
    ...(kind === 'web' || kind === 'api' ? { type: kind } : {}),
    ...(Object.keys(expect).length === 0 ? {} : { expect }),
    ...optional(form),
  };
}

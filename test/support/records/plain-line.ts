/** A line of JSON as a record, read name by name: what a faster reading must give too. */
import type { Attributes, AttributeValue } from '../../../src/model/records.ts';

const NAMES = {
  time: ['time', 'timestamp', '@timestamp', 'ts', '_time', '__REALTIME_TIMESTAMP'],
  level: ['level', 'severity', 'severityText', 'lvl', 'log.level'],
  message: ['msg', 'message', 'body', '_msg', 'event', 'MESSAGE'],
  trace: ['trace_id', 'traceId', 'trace.id'],
  span: ['span_id', 'spanId', 'span.id'],
  service: ['service.name', 'service', 'name', 'app', 'SYSLOG_IDENTIFIER', '_SYSTEMD_UNIT'],
  host: ['hostname', 'host.name', '_HOSTNAME'],
  pid: ['pid', 'process.pid', '_PID'],
} as const;
type Line = Readonly<Record<string, unknown>>;

export interface PlainLine {
  readonly time: unknown;
  readonly message: unknown;
  readonly traceId: string;
  readonly spanId: string;
  readonly resource: Attributes;
  readonly attributes: Attributes;
}

function at(line: Line, name: string): unknown {
  if (Object.hasOwn(line, name)) return line[name];
  if (!name.includes('.')) return undefined;
  let found: unknown = line;
  for (const part of name.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Line)[part];
  }
  return found;
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isScalar = (value: unknown): boolean => isText(value) || typeof value === 'number';
const isPid = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^\d{1,10}$/.test(value));
const isHex = (value: unknown, digits: number): boolean =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/i.test(value);

/** Without the checks of times and levels. `named`: configured names. */
export function plainLine(line: Line, service: string, named: Readonly<Record<string, string>>): PlainLine {
  const used = new Set<string>();
  const pick = (part: keyof typeof NAMES, fits: (value: unknown) => boolean): unknown => {
    const names = Object.hasOwn(named, part) ? [named[part], ...NAMES[part]] : NAMES[part];
    const name = names.find((one) => at(line, one) !== undefined && fits(at(line, one)));
    if (name === undefined) return undefined;
    used.add(name);
    return at(line, name);
  };
  const time = pick('time', isScalar);
  pick('level', isScalar);
  const message = pick('message', (value) => value !== null);
  const traceId = pick('trace', (value) => isHex(value, 32)) as string | undefined;
  const spanId = pick('span', (value) => isHex(value, 16)) as string | undefined;
  const [name, host, pid] = [pick('service', isText) ?? service, pick('host', isText), pick('pid', isPid)];
  const resource: Record<string, AttributeValue> = {};
  if (name !== '') resource['service.name'] = name as string;
  if (host !== undefined) resource['host.name'] = host as string;
  if (pid !== undefined) resource['process.pid'] = Number(pid);
  const rest = Object.entries(line).filter(([key]) => !used.has(key));
  return {
    time,
    message: message ?? null,
    traceId: traceId?.toLowerCase() ?? '',
    spanId: spanId?.toLowerCase() ?? '',
    resource,
    attributes: Object.fromEntries(rest) as Attributes,
  };
}

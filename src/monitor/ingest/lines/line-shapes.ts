/**
 * Where the parts of a record stand in a parsed line. A logger writes the same fields in the same order line after line, so what
 * the names alone decide is worked out once for them: a shape. What the values decide is looked at in each line.
 */

/** The field of a line in which a part of the record is looked for first. */
export type FieldNames = Readonly<Record<string, string>>;

export type JsonObject = Readonly<Record<string, unknown>>;

/** pino and bunyan, then winston, logfmt, ECS (flat or nested: `log.level` is also `{"log":{"level":…}}`) and journald. */
const NAMES = {
  time: ['time', 'timestamp', '@timestamp', 'ts', '_time', '__REALTIME_TIMESTAMP'],
  level: ['level', 'severity', 'severityText', 'lvl', 'log.level'],
  priority: ['PRIORITY'],
  message: ['msg', 'message', 'body', '_msg', 'event', 'MESSAGE'],
  trace: ['trace_id', 'traceId', 'trace.id'],
  span: ['span_id', 'spanId', 'span.id'],
  service: ['service.name', 'service', 'name', 'app', 'SYSLOG_IDENTIFIER', '_SYSTEMD_UNIT'],
  host: ['hostname', 'host.name', '_HOSTNAME'],
  pid: ['pid', 'process.pid', '_PID'],
} as const;
export type Part = keyof typeof NAMES;
const PARTS = Object.keys(NAMES) as Part[];

/** A field that lines of a shape may have. */
export interface Place {
  readonly name: string;
  /** Names from the outside in, for a field inside others. */
  readonly path: readonly string[] | undefined;
}

export class LineShape {
  readonly keys: readonly string[];
  readonly isJournal: boolean;
  /** For each part, the places where it can stand, the best first. */
  readonly places: Readonly<Record<Part, readonly Place[]>>;
  /** The keys of a line without those that became parts, as the last line had it. */
  #used: readonly string[] = [];
  #rest: readonly string[];

  constructor(keys: readonly string[], named: FieldNames) {
    this.keys = keys;
    this.#rest = keys;
    const known = new Set(keys);
    this.isJournal = known.has('__REALTIME_TIMESTAMP');
    const placesOf = (part: Part): Place[] => {
      const names: readonly string[] = Object.hasOwn(named, part) ? [named[part], ...NAMES[part]] : NAMES[part];
      return names.flatMap((name) => placeOf(name, known) ?? []);
    };
    this.places = Object.fromEntries(PARTS.map((part) => [part, placesOf(part)])) as Record<Part, Place[]>;
  }

  /** The keys that are not `used`. */
  rest(used: readonly string[]): readonly string[] {
    if (!isSame(used, this.#used)) {
      this.#used = used;
      this.#rest = this.keys.filter((key) => !used.includes(key));
    }
    return this.#rest;
  }
}

/** Undefined when no line with these keys has the field. */
function placeOf(name: string, keys: ReadonlySet<string>): Place | undefined {
  if (keys.has(name)) return { name, path: undefined };
  if (!name.includes('.')) return undefined;
  const path = name.split('.');
  return keys.has(path[0]) ? { name, path } : undefined;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  const { length } = a;
  if (length !== b.length) return false;
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** Emptied when it is full. */
const SHAPES_MAX = 256;
/** Shapes with more keys, or longer ones, are not kept: such lines are rare, and their keys may be ids. */
const KEYS_MAX = 64;
const KEYS_LENGTH_MAX = 2_048;

/** The shapes of lines that were seen, for one set of configured names. */
export class LineShapes {
  readonly #named: FieldNames;
  readonly #known = new Map<string, LineShape>();
  #last: LineShape | undefined;

  constructor(named: FieldNames = {}) {
    this.#named = named;
  }

  get size(): number {
    return this.#known.size;
  }

  of(line: JsonObject): LineShape {
    const keys = Object.keys(line);
    const last = this.#last;
    if (last !== undefined && isSame(last.keys, keys)) return last;
    const shape = this.#find(keys);
    this.#last = shape;
    return shape;
  }

  #find(keys: readonly string[]): LineShape {
    const text = keys.length > KEYS_MAX ? '' : keys.join('\n');
    if (text === '' || text.length > KEYS_LENGTH_MAX) return new LineShape(keys, this.#named);
    const known = this.#known.get(text);
    // Keys with line feeds may give the text of others.
    if (known !== undefined && isSame(known.keys, keys)) return known;
    const shape = new LineShape(keys, this.#named);
    if (this.#known.size >= SHAPES_MAX) this.#known.clear();
    this.#known.set(text, shape);
    return shape;
  }
}

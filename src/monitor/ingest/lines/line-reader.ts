/**
 * A line of text, or a parsed one, to a log record: finds the fields of known loggers, maps the fields that the configuration
 * names, and checks the line against the configured JSON Schema. A line that does not fit the schema is kept with the reason
 * as its attribute `vitrine.misfit`, or refused when the configuration says so.
 */
import { attributeAt } from '../../../model/record-fields.ts';
import { newBag, type Attributes, type AttributeValue, type LogRecord } from '../../../model/records.ts';
import { logRecordOf } from './json-logs.ts';
import { LineShapes } from './line-shapes.ts';
import { isLogfmt, logfmtOf, plainFields, type LineFormat } from './text-lines.ts';

export const MISFIT = 'vitrine.misfit';

/** The reason why a line does not fit its schema, undefined when it fits. */
export type SchemaCheck = (line: unknown) => string | undefined;

export interface LineReaderOptions {
  /** Field of a record → path of the field in a line. */
  readonly mapping?: Readonly<Record<string, string>> | undefined;
  readonly schema?: SchemaCheck | undefined;
  readonly refuseMisfits?: boolean | undefined;
  /** Called for each line that does not fit and is kept. */
  readonly onMisfit?: (() => void) | undefined;
}

/** Fields of a record that are no attributes. */
const PARTS: ReadonlySet<string> = new Set(['time', 'level', 'message', 'service', 'trace', 'span', 'host', 'pid']);

export class LineReader {
  readonly #schema: SchemaCheck | undefined;
  readonly #refuse: boolean;
  readonly #onMisfit: () => void;
  readonly #shapes: LineShapes;
  /** Attribute → path. */
  readonly #attributes: readonly (readonly [name: string, path: string])[];

  constructor({ mapping = {}, schema, refuseMisfits = false, onMisfit = () => {} }: LineReaderOptions = {}) {
    this.#schema = schema;
    this.#refuse = refuseMisfits;
    this.#onMisfit = onMisfit;
    const entries = Object.entries(mapping);
    this.#shapes = new LineShapes(Object.fromEntries(entries.filter(([name]) => PARTS.has(name))));
    this.#attributes = entries.filter(([name]) => !PARTS.has(name));
  }

  /** The record, or the reason why there is none. */
  read(line: unknown, nowMs: number, defaultService: string): LogRecord | string {
    const record = logRecordOf(line, nowMs, defaultService, this.#shapes);
    if (typeof record === 'string') return record;
    const mapped = this.#attributes.length === 0 ? record : this.#mapped(record);
    const misfit = this.#schema?.(line);
    if (misfit === undefined) return mapped;
    if (this.#refuse) return `it does not fit the schema: ${misfit}`;
    this.#onMisfit();
    return { ...mapped, attributes: withAttribute(mapped.attributes, MISFIT, misfit) };
  }

  /** A line of text in any format. */
  readText(text: string, format: LineFormat, nowMs: number, defaultService: string): LogRecord | string {
    if (format === 'json' || (format === 'auto' && text.startsWith('{'))) {
      const json = parsed(text);
      if (json !== undefined) return this.read(json, nowMs, defaultService);
      if (format === 'json') return 'the line is not JSON in UTF-8';
    }
    if (format === 'logfmt' || (format === 'auto' && isLogfmt(text))) {
      const fields = logfmtOf(text);
      if (fields !== undefined) return this.read(fields, nowMs, defaultService);
      if (format === 'logfmt') return 'the line is not logfmt';
    }
    // A schema describes structured lines; plain text has nothing to check.
    return logRecordOf(plainFields(text), nowMs, defaultService);
  }

  #mapped(record: LogRecord): LogRecord {
    let { attributes } = record;
    for (const [name, path] of this.#attributes) {
      const value = attributeAt(record.attributes, path);
      if (value === undefined) continue;
      attributes = withAttribute(attributes, name, value);
      if (name !== path && Object.hasOwn(attributes, path)) attributes = without(attributes, path);
    }
    return { ...record, attributes };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The caller reads the line in another way, or refuses it.
    return undefined;
  }
}

function withAttribute(attributes: Attributes, name: string, value: AttributeValue): Attributes {
  const copy = Object.assign(newBag(), attributes);
  copy[name] = value;
  return copy;
}

function without(attributes: Attributes, name: string): Attributes {
  const copy = Object.assign(newBag(), attributes);
  delete copy[name];
  return copy;
}

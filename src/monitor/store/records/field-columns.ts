/**
 * The columns of a stored batch by the names of the filter grammar. A field gives the same values here as
 * `fieldValue` gives for each record; where one column does not say it all, the records themselves are read.
 */
import { attributeAt, attributesOfField, fieldValue, REQUEST_FIELDS } from '../../../model/record-fields.ts';
import type { RecordBatch, RecordColumn, RecordOf, RecordSignal } from '../../../model/record-source.ts';
import type { Attributes, AttributeValue } from '../../../model/records.ts';
import { unpackValue, type Packed } from '../codec/record-codec.ts';
import { ATTRIBUTE, INNER, REST } from './columns/attribute-columns.ts';
import { cellAt, type Cell } from './columns/column.ts';
import { parentAt } from './columns/record-columns.ts';
import type { Columns } from './columns/record-shape.ts';
import { REQUEST_COLUMNS, requestDurations } from './columns/request-columns.ts';

/** A batch on disk or in memory. */
export interface ReadColumns<S extends RecordSignal> {
  readonly rows: number;
  /** Names of its attribute columns. */
  readonly attributes: readonly string[];
  readonly hasRest: boolean;
  readonly column: Columns;
  record(row: number): RecordOf[S];
}

const LINE_PARTS: Readonly<Record<string, string>> = { message: '.b', level: '.v', trace: '.i', span: '.p' };
const SPAN_PARTS: Readonly<Record<string, string>> = {
  name: '.m',
  kind: '.k',
  trace: '.i',
  span: '.p',
  'span.status': '.q',
  'span.message': '.w',
};

const own = (table: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** `req.url` of the column for `url` in the map `req`. */
const fieldOfColumn = (column: string): string => column.slice(ATTRIBUTE.length).replaceAll(INNER, '.');

/**
 * A batch as a search asks for it: each column is made once, and the last record is kept, because a test of every field asks
 * for the same row many times.
 */
export function fieldReading<S extends RecordSignal>(
  signal: S,
  service: string,
  reader: ReadColumns<S>,
): Pick<RecordBatch<S>, 'fields' | 'column' | 'record'> {
  const columns = new Map<string, RecordColumn | undefined>();
  let last: { readonly row: number; readonly record: RecordOf[S] } | undefined;
  const record = (row: number): RecordOf[S] => {
    if (last?.row !== row) last = { row, record: reader.record(row) };
    return last.record;
  };
  return {
    fields: () => (signal === 'requests' ? Object.keys(REQUEST_FIELDS) : fieldNames(reader)),
    column(field): RecordColumn | undefined {
      if (!columns.has(field))
        columns.set(
          field,
          fieldColumn(signal, service, reader, field, (row) => fieldValue(signal, record(row), field)),
        );
      return columns.get(field);
    },
    record,
  };
}

/** `valueAt`: the field's value as the record of the row has it. */
function fieldColumn(
  signal: RecordSignal,
  service: string,
  reader: ReadColumns<RecordSignal>,
  field: string,
  valueAt: (row: number) => Cell,
): RecordColumn | undefined {
  if (signal === 'requests') return requestColumn(reader, field);
  if (field === 'service') return { kind: 'same', value: service };
  if (signal === 'traces') {
    if (field === 'duration') return spanDurations(reader);
    if (field === 'parent') return byRow((row) => parentAt(reader.column, row) || undefined);
  }
  const part = own(signal === 'logs' ? LINE_PARTS : SPAN_PARTS, field);
  if (part === '.b') return orNull(reader, '.b');
  if (part !== undefined) return reader.column(part);
  return attributeColumn(reader, field, valueAt);
}

/** A line without a message has the message null. */
function orNull(reader: ReadColumns<RecordSignal>, name: string): RecordColumn {
  const column = reader.column(name);
  if (column === undefined) return { kind: 'same', value: null };
  if (column.kind === 'dictionary') return { ...column, values: column.values.map((value) => value ?? null) };
  return column.kind === 'same' ? column : { kind: 'values', at: (row) => cellAt(column, row) ?? null };
}

const byRow = (at: (row: number) => Cell): RecordColumn => ({ kind: 'values', at });

function spanDurations(reader: ReadColumns<RecordSignal>): RecordColumn {
  const nanos = reader.column('.d');
  const values = new Float64Array(reader.rows);
  for (let row = 0; row < values.length; row += 1) values[row] = Math.max(0, Number(cellAt(nanos, row)) / 1e6);
  return { kind: 'numbers', values };
}

function attributeColumn(
  reader: ReadColumns<RecordSignal>,
  field: string,
  valueAt: (row: number) => Cell,
): RecordColumn | undefined {
  const names = attributesOfField(field);
  const isInside = names.some((name) =>
    reader.attributes.some((column) => fieldOfColumn(column).startsWith(`${name}.`)),
  );
  if (isInside || reader.hasRest) {
    return byRow(valueAt);
  }
  const sources: RecordColumn[] = [];
  for (const name of names) {
    for (const column of columnsOfName(reader.attributes, name)) {
      const found = reader.column(column);
      if (found !== undefined) sources.push(found);
    }
    const shared = resourceColumn(reader.column('.r'), name);
    if (shared !== undefined) sources.push(shared);
  }
  return joined(sources);
}

function joined(sources: readonly RecordColumn[]): RecordColumn | undefined {
  const [first] = sources;
  if (sources.length <= 1 || first.kind === 'same') return first;
  if (first.kind === 'dictionary' && !first.values.includes(undefined)) return first;
  return {
    kind: 'values',
    at(row): Cell {
      for (const source of sources) {
        const cell = cellAt(source, row);
        if (cell !== undefined) return cell;
      }
      return undefined;
    },
  };
}

/** Columns with this name, in the order in which `attributeAt` looks for them. */
function columnsOfName(columns: readonly string[], name: string): string[] {
  const found = columns.filter((column) => fieldOfColumn(column) === name);
  return found.length < 2 ? found : found.sort((a, b) => order(a.split(INNER), b.split(INNER)));
}

function order(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < a.length && at < b.length; at += 1) {
    if (a[at] === b[at]) continue;
    // The name as a whole comes first, then the shorter beginning.
    if (a.length === at + 1) return -1;
    if (b.length === at + 1) return 1;
    return a[at].length - b[at].length;
  }
  return 0;
}

/** The values of a resource's attribute: resources are texts, of which a batch has few. */
function resourceColumn(resources: RecordColumn | undefined, name: string): RecordColumn | undefined {
  const valueIn = (text: Cell): AttributeValue | undefined =>
    attributeAt(unpackValue(JSON.parse(text as string) as Packed) as Attributes, name);
  if (resources === undefined || resources.kind === 'numbers') return undefined;
  if (resources.kind === 'values') return { kind: 'values', at: (row) => valueIn(resources.at(row)) };
  if (resources.kind === 'same') {
    const value = valueIn(resources.value);
    return value === undefined ? undefined : { kind: 'same', value };
  }
  const values = resources.values.map(valueIn);
  return values.every((value) => value === undefined) ? undefined : { ...resources, values };
}

function requestColumn(reader: ReadColumns<RecordSignal>, field: string): RecordColumn | undefined {
  if (field === 'duration') return { kind: 'numbers', values: requestDurations(reader.column, reader.rows) };
  if (field === 'status') return withoutZero(reader.column('.st'));
  if (field === 'request.id') {
    const ids = [reader.column('.ri'), reader.column('.i')].filter((column) => column !== undefined);
    return joined(ids);
  }
  const name = own(REQUEST_COLUMNS, field);
  return name === undefined ? undefined : reader.column(name);
}

function withoutZero(column: RecordColumn | undefined): RecordColumn | undefined {
  if (column === undefined || column.kind === 'values') return column;
  if (column.kind === 'same') return column.value === 0 ? undefined : column;
  if (column.kind === 'numbers') return { kind: 'numbers', values: column.values.map((value) => value || Number.NaN) };
  return { ...column, values: column.values.map((value) => (value === 0 ? undefined : value)) };
}

/** Names of the inner values of a map, as they would be columns. */
function addNames(map: Cell, prefix: string, names: Set<string>): void {
  for (const [name, value] of Object.entries((map ?? {}) as Attributes)) {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    if (isMap) addNames(value, `${prefix}${name}.`, names);
    else names.add(prefix + name);
  }
}

/** Names of the attributes and resource attributes in the batch. */
function fieldNames(reader: ReadColumns<RecordSignal>): string[] {
  const names = new Set(reader.attributes.map(fieldOfColumn));
  for (let row = 0; row < reader.rows && reader.hasRest; row += 1)
    addNames(cellAt(reader.column(REST), row), '', names);
  const resources = reader.column('.r');
  const texts = resources?.kind === 'dictionary' ? resources.values : [cellAt(resources, 0)];
  for (const text of texts) {
    if (typeof text !== 'string') continue;
    const attributes = unpackValue(JSON.parse(text) as Packed) as Attributes;
    for (const name of Object.keys(attributes)) names.add(name);
  }
  return [...names];
}

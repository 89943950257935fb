/**
 * How the records of each signal become columns, and columns records again. A record's own parts have names that begin with
 * a dot; attributes are columns by their names; resources and scopes are texts of JSON, of which a batch has few.
 */
import {
  newBag,
  type Attributes,
  type AttributeValue,
  type LogRecord,
  type Resource,
  type Scope,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
  type SpanRecord,
  type SpanStatus,
} from '../../../../model/records.ts';
import type { RecordSignal } from '../../../../model/record-source.ts';
import { packValue, unpackValue, type Packed } from '../../codec/record-codec.ts';
import { ATTRIBUTE, REST, restoreAttribute } from './attribute-columns.ts';
import { cellAt, cellNumber as number, cellText as text, type Cell } from './column.ts';
import { IdTable, type IdRows } from './id-rows.ts';
import type { BatchColumns, Columns, RecordShape, Table } from './record-shape.ts';
import { REQUEST_TEXTS, requestShape } from './request-columns.ts';
import { bigintOf, finishTimes, nanosBetween, timeAt } from './times.ts';

const unpacked = (cell: Cell): AttributeValue => unpackValue(JSON.parse(text(cell)) as Packed);
const packed = (value: AttributeValue): string => JSON.stringify(packValue(value));

/** Resources repeat: their texts are made once per object. */
const resourceTexts = new WeakMap<Resource, string>();

function resourceText(resource: Resource): string {
  let known = resourceTexts.get(resource);
  if (known === undefined) resourceTexts.set(resource, (known = packed(resource.attributes)));
  return known;
}

interface Home {
  readonly resource: Resource;
  readonly scope: Scope;
}

const scopeTexts = new WeakMap<Scope, string>();

function scopeText(scope: Scope): string {
  let known = scopeTexts.get(scope);
  if (known === undefined) scopeTexts.set(scope, (known = packed([scope.name, scope.version])));
  return known;
}

function addHome(table: Table, row: number, { resource, scope }: Home): void {
  table.set(RESOURCE, row, resourceText(resource));
  if (scope.name !== '' || scope.version !== '') table.set('.c', row, scopeText(scope));
}

/** Texts of JSON: the attributes of resources. */
export const RESOURCE = '.r';
const NO_SCOPE: Scope = { name: '', version: '' };
const HOMES_MAX = 256;
/** The same text gives the same object, so that records of a search share theirs. Emptied when it is full. */
const resources = new Map<string, Resource>();

function homeAt(columns: Columns, row: number): Home {
  const key = text(cellAt(columns(RESOURCE), row));
  let resource = resources.get(key);
  if (resource === undefined) {
    // The column is damaged.
    resource = { attributes: key === '' ? {} : (unpacked(key) as Attributes) };
    if (resources.size >= HOMES_MAX) resources.clear();
    resources.set(key, resource);
    resourceTexts.set(resource, key);
  }
  const scope = cellAt(columns('.c'), row);
  if (scope === undefined) return { resource, scope: NO_SCOPE };
  const [name, version] = unpacked(scope) as [string, string];
  return { resource, scope: { name, version } };
}

function attributesAt(columns: Columns, names: readonly string[], row: number): Attributes {
  const attributes = newBag();
  for (const name of names) {
    const value = cellAt(columns(name), row);
    if (value === undefined) continue;
    if (name.includes('\u0001')) restoreAttribute(attributes, name, value);
    else attributes[name.slice(ATTRIBUTE.length)] = value;
  }
  const rest = cellAt(columns(REST), row);
  if (rest !== undefined) Object.assign(attributes, rest);
  return attributes;
}

const positionTime = ({ timeUnixNano, observedUnixNano }: LogRecord): bigint =>
  timeUnixNano === 0n ? observedUnixNano : timeUnixNano;

const lines: RecordShape<'logs'> = {
  timeOf: positionTime,
  add(table, row, line) {
    table.setTime('.t', row, positionTime(line));
    table.setTime('.o', row, line.observedUnixNano);
    addHome(table, row, line);
    table.set('.v', row, line.severityNumber);
    if (line.severityText !== '') table.set('.x', row, line.severityText);
    if (line.body !== null) table.set('.b', row, line.body);
    if (line.traceId !== '') table.set('.i', row, line.traceId, 'ids');
    if (line.spanId !== '') table.set('.p', row, line.spanId, 'ids');
    if (line.timeUnixNano === 0n) table.set('.z', row, true);
    table.setAttributes(row, line.attributes);
  },
  finish(columns) {
    finishTimes(columns, '.t');
    finishTimes(columns, '.o');
    finishObserved(columns);
  },
  read(columns, attributes, row): LogRecord {
    const timeUnixNano = timeAt(columns('.t'), columns('.tn'), row);
    const late = cellAt(columns('.d'), row);
    const observed = late === undefined ? columns('.o') : undefined;
    return {
      timeUnixNano: cellAt(columns('.z'), row) === true ? 0n : timeUnixNano,
      observedUnixNano:
        observed === undefined ? timeUnixNano + bigintOf(late ?? 0) : timeAt(observed, columns('.on'), row),
      severityNumber: number(cellAt(columns('.v'), row)),
      severityText: text(cellAt(columns('.x'), row)),
      body: cellAt(columns('.b'), row) ?? null,
      attributes: attributesAt(columns, attributes, row),
      traceId: text(cellAt(columns('.i'), row)),
      spanId: text(cellAt(columns('.p'), row)),
      ...homeAt(columns, row),
    };
  },
};

/** A difference of so many microseconds is exact as a number of nanoseconds. */
const MICROS_EXACT = 2 ** 42;

/** The time of receipt is a constant distance from the line's own time, or else changes rarely: lines come in batches. */
function finishObserved(columns: BatchColumns): void {
  const [times, below] = [columns.get('.t')?.() ?? [], columns.get('.tn')?.() ?? []];
  const [observed, observedBelow] = [columns.get('.o')?.() ?? [], columns.get('.on')?.() ?? []];
  const at = (cells: readonly Cell[], nanos: readonly Cell[], row: number): bigint =>
    typeof cells[row] === 'bigint' ? cells[row] : bigintOf(cells[row]) * 1_000n + bigintOf(nanos[row] ?? 0);
  const lateAt = (row: number): number | bigint => {
    const micros = number(observed[row]) - number(times[row]);
    // Far apart, or no numbers at all: big integers say it exactly.
    if (typeof times[row] === 'bigint' || typeof observed[row] === 'bigint' || Math.abs(micros) > MICROS_EXACT)
      return nanosBetween(at(times, below, row), at(observed, observedBelow, row));
    return micros * 1_000 + number(observedBelow[row]) - number(below[row]);
  };
  const late = lateAt(0);
  for (let row = 1; row < times.length; row += 1) if (lateAt(row) !== late) return;
  columns.delete('.o');
  columns.delete('.on');
  columns.set('.d', () => times.map(() => late));
}

const spans: RecordShape<'traces'> = {
  timeOf: ({ startUnixNano }) => startUnixNano,
  add(table, row, span) {
    table.setTime('.t', row, span.startUnixNano);
    table.set('.d', row, nanosBetween(span.startUnixNano, span.endUnixNano), 'numbers');
    addHome(table, row, span);
    table.set('.m', row, span.name);
    table.set('.k', row, span.kind);
    table.set('.q', row, span.status);
    table.set('.i', row, span.traceId, 'ids');
    table.set('.p', row, span.spanId, 'ids');
    if (span.parentSpanId !== '') table.set('.j', row, span.parentSpanId, 'ids');
    if (span.statusMessage !== '') table.set('.w', row, span.statusMessage);
    if (span.events.length > 0) table.set('.e', row, packedEvents(span.events));
    if (span.links.length > 0) table.set('.l', row, packedLinks(span.links));
    table.setAttributes(row, span.attributes);
  },
  finish(columns, ids) {
    finishTimes(columns, '.t');
    if (!columns.has('.j')) return;
    const [own, parents] = [ids('.p'), ids('.j')];
    if (own !== undefined && parents?.width === own.width) finishParentIds(columns, own, parents);
    else finishParents(columns);
  },
  read(columns, attributes, row): SpanRecord {
    const startUnixNano = timeAt(columns('.t'), columns('.tn'), row);
    return {
      traceId: text(cellAt(columns('.i'), row)),
      spanId: text(cellAt(columns('.p'), row)),
      parentSpanId: parentAt(columns, row),
      name: text(cellAt(columns('.m'), row)),
      kind: text(cellAt(columns('.k'), row)) as SpanKind,
      startUnixNano,
      endUnixNano: startUnixNano + bigintOf(cellAt(columns('.d'), row) ?? 0),
      status: text(cellAt(columns('.q'), row)) as SpanStatus,
      statusMessage: text(cellAt(columns('.w'), row)),
      attributes: attributesAt(columns, attributes, row),
      events: eventsOf(cellAt(columns('.e'), row)),
      links: linksOf(cellAt(columns('.l'), row)),
      ...homeAt(columns, row),
    };
  },
};

/** A parent in the same batch is a distance. */
function finishParentIds(columns: BatchColumns, own: IdRows, parents: IdRows): void {
  const table = new IdTable(own);
  for (let row = 0; row < own.count; row += 1) table.put(row);
  // Filled: an array with holes passes `every`, so one distance would be taken for that of all rows.
  const distances = Array<Cell>(own.count).fill(undefined);
  let [inside, outside] = [0, 0];
  for (let row = 0; row < own.count; row += 1) {
    if (!parents.has(row)) continue;
    const found = table.find(parents, row);
    if (found < 0) outside += 1;
    else {
      distances[row] = row - found;
      inside += 1;
    }
  }
  if (inside === 0) return;
  columns.set('.u', () => distances);
  columns.delete('.j');
  if (outside > 0)
    columns.set('.j', () =>
      Array.from(distances, (distance, row) => (distance === undefined ? parents.textAt(row) : undefined)),
    );
}

/** As `finishParentIds`, for ids that are not all of one form. */
function finishParents(columns: BatchColumns): void {
  const parents = columns.get('.j')?.() ?? [];
  const ids = columns.get('.p')?.() ?? [];
  columns.set('.p', () => ids);
  const rows = new Map<Cell, number>();
  for (let row = 0; row < ids.length; row += 1) rows.set(ids[row], row);
  const distances = parents.map((parent, row) => {
    const found = parent === undefined ? undefined : rows.get(parent);
    return found === undefined ? undefined : row - found;
  });
  const outside = parents.map((parent, row) => (distances[row] === undefined ? parent : undefined));
  columns.delete('.j');
  if (distances.some((distance) => distance !== undefined)) columns.set('.u', () => distances);
  if (outside.some((parent) => parent !== undefined)) columns.set('.j', () => outside);
}

export function parentAt(columns: Columns, row: number): string {
  const distance = cellAt(columns('.u'), row);
  if (distance === undefined) return text(cellAt(columns('.j'), row));
  return text(cellAt(columns('.p'), row - number(distance)));
}

const packedEvents = (events: readonly SpanEvent[]): AttributeValue =>
  events.map(({ name, timeUnixNano, attributes }) => [name, timeUnixNano, attributes as AttributeValue]);

const packedLinks = (links: readonly SpanLink[]): AttributeValue =>
  links.map(({ traceId, spanId, attributes }) => [traceId, spanId, attributes as AttributeValue]);

function eventsOf(cell: Cell): SpanEvent[] {
  const events = (cell ?? []) as readonly [string, bigint, Attributes][];
  return events.map(([name, timeUnixNano, attributes]) => ({ name, timeUnixNano, attributes }));
}

function linksOf(cell: Cell): SpanLink[] {
  const links = (cell ?? []) as readonly [string, string, Attributes][];
  return links.map(([traceId, spanId, attributes]) => ({ traceId, spanId, attributes }));
}

export const SHAPES: { readonly [S in RecordSignal]: RecordShape<S> } = {
  logs: lines,
  traces: spans,
  requests: requestShape,
};

/** Texts whose whole words are indexed, by signal. */
export const WORD_COLUMNS: Readonly<Record<RecordSignal, readonly string[]>> = {
  logs: ['.b'],
  traces: ['.m'],
  requests: [REQUEST_TEXTS.route, REQUEST_TEXTS.path],
};

/** Parts that hold ids; attributes are ids when their values look like one. */
export const ID_COLUMNS: Readonly<Record<RecordSignal, readonly string[]>> = {
  logs: ['.i', '.p'],
  traces: ['.i', '.p', '.j'],
  requests: [REQUEST_TEXTS.traceId, REQUEST_TEXTS.code, REQUEST_TEXTS.requestId],
};

/**
 * Blanks the ids of deleted traces in write-ahead rows of samples. An exemplar is in such a row as JSON (`["span_id","…",
 * "trace_id","…"]`), so its ids are overwritten by zeros of the same length: nothing else in the row moves, and the samples
 * beside it are not decoded. An exemplar with a blank id is not restored.
 */
const TRACE = Buffer.from('"trace_id","');
const SPAN = Buffer.from('"span_id","');
const ID_MAX = 64;
const [QUOTE, BRACKET, ZERO] = [0x22, 0x5b, 0x30];

/** Of an exemplar whose trace was deleted. */
export const isBlankId = (id: string): boolean => /^0+$/.test(id);

/** Changes `row`; true when it held one of the traces. */
export function blankTraces(row: Uint8Array, traceIds: ReadonlySet<string>): boolean {
  const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength);
  let changed = false;
  for (let at = bytes.indexOf(TRACE); at >= 0; at = bytes.indexOf(TRACE, at + TRACE.length)) {
    const begin = at + TRACE.length;
    const end = bytes.indexOf(QUOTE, begin);
    if (end < 0 || end - begin > ID_MAX || !traceIds.has(bytes.toString('latin1', begin, end))) continue;
    bytes.fill(ZERO, begin, end);
    blankSpan(bytes, bytes.lastIndexOf(BRACKET, at), at);
    changed = true;
  }
  return changed;
}

/** The labels of an exemplar are sorted: the span's id stands before the trace's. */
function blankSpan(bytes: Buffer, from: number, to: number): void {
  const at = bytes.indexOf(SPAN, Math.max(0, from));
  if (at < 0 || at >= to) return;
  const begin = at + SPAN.length;
  const end = bytes.indexOf(QUOTE, begin);
  if (end > 0 && end < to) bytes.fill(ZERO, begin, end);
}

/**
 * Positions in a query. Offsets are UTF-16 units from the start. Messages show line:column, both counted from 1, as
 * Prometheus prints them in errors and annotations.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Position } from './ast.ts';

/** `line:column` of an offset, both counted from 1. */
export function positionAt(text: string, offset: number): string {
  const end = Math.min(Math.max(offset, 0), text.length);
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return `${line}:${end - lineStart + 1}`;
}

/** A `query_invalid` error with Prometheus' wording: `1:5: parse error: …`. */
export function parseError(text: string, pos: Position, message: string): VitrineError {
  return new VitrineError('query_invalid', `${positionAt(text, pos.start)}: parse error: ${message}`);
}

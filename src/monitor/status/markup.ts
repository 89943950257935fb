/**
 * HTML, SVG and XML from templates in which every value is escaped, whatever its place: text or attribute in quotes. Only a
 * value that is itself made by `markup` is taken as it is. Characters that XML 1.0 (section 2.2) forbids become U+FFFD, so a
 * hostile name cannot break the feed either.
 */
import { escapeHtml } from '../../model/text/html.ts';

const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]|[\u{7F}-\u{9F}]/gu;

export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = Markup | string | number | undefined | readonly Piece[];

export const escaped = (text: string): string => escapeHtml(text.replaceAll(FORBIDDEN, '\u{FFFD}'));

function written(piece: Piece): string {
  if (piece === undefined) return '';
  if (piece instanceof Markup) return piece.text;
  if (typeof piece === 'object') return piece.map(written).join('');
  return escaped(String(piece));
}

/** A template whose values are escaped. Attributes must be in double quotes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  let text = parts[0];
  for (const [at, value] of values.entries()) text += written(value) + parts[at + 1];
  return new Markup(text);
}

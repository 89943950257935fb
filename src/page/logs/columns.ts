/** The fields that lines show as columns: chosen by the reader, kept in the address (`columns=`). Pure. */
import { attributeText } from '../state/format.ts';
import type { ShownLine } from './log-parts.ts';

/** More leave no room for the message. */
export const MOST_COLUMNS = 4;

/** The names in `text`, each once. Names come from outside and may have commas: each is encoded. */
export function columnsOf(text: string): readonly string[] {
  const names = text.split(',').flatMap((part) => {
    try {
      return part === '' ? [] : [decodeURIComponent(part)];
    } catch {
      // An address that somebody cut or wrote by hand.
      return [];
    }
  });
  return [...new Set(names)].slice(0, MOST_COLUMNS);
}

/** `text` with the field as its last column, or without it. The first column goes when there are too many. */
export function toggledColumn(text: string, name: string): string {
  const present = columnsOf(text);
  const next = present.includes(name) ? present.filter((one) => one !== name) : [...present, name];
  return next.slice(-MOST_COLUMNS).map(encodeURIComponent).join(',');
}

/** The value of a field as text, '' when neither the line nor its sender's resource has it. The line's own comes first. */
export function columnText({ attributes, home, traceId }: ShownLine, name: string): string {
  if (name === 'trace') return traceId;
  for (const own of [attributes, home]) if (Object.hasOwn(own, name)) return attributeText(own[name]);
  return '';
}

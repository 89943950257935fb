/** Output of commands: data on stdout, everything else on stderr, colour only on a terminal. */
import { styleText } from 'node:util';
import { UNSAFE_ON_TERMINAL } from '../base/logger.ts';
import { problemOf, VitrineError } from '../base/errors.ts';
import { columnsOf } from './screen.ts';

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan';

const plain = (stream: NodeJS.WriteStream): boolean =>
  !stream.isTTY || (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t' };
const escaped = (c: string): string => ESCAPES[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Makes text from outside safe for a terminal: unsafe characters are printed in a visible form. Lines and tabs stay. */
export function visible(text: string): string {
  return text.replace(UNSAFE_ON_TERMINAL, (c) => (c in ESCAPES ? c : escaped(c)));
}

/** For text that must stay on its line: a name with a line break could forge further lines of the output. */
export const visibleLine = (text: string): string => text.replace(UNSAFE_ON_TERMINAL, escaped);

/** For text of several lines, such as a stack: those after the first are indented, so none looks like a line of the output. */
export const visibleLines = (text: string): string => visible(text).replaceAll('\n', '\n    ');

export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return plain(stream) ? text : styleText(style, text, { validateStream: false });
}

/** Prints data to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints a message or progress to stderr. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Handles closed output. When the reader of stdout closes it (`| head`), the command ends with 0; when the disk is full, it
 * ends with 1; a closed stderr does not end it.
 */
export function surviveClosedOutput(): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    tell(`${paint('red', 'error', process.stderr)}: The output cannot be written (${error.code ?? error.message}).`);
    process.exit(1);
  });
}

/** Prints the error and its hint; returns the exit code. */
export function fail(error: unknown): number {
  if (error instanceof VitrineError) {
    tell(`${paint('red', 'error', process.stderr)}: ${visible(error.message)}`);
    if (error.hint !== undefined) tell(`  ${visible(error.hint)}`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : problemOf(error).detail;
  tell(`${paint('red', 'error', process.stderr)}: ${visible(text)}`);
  return 1;
}

/** A table with columns as wide as their content, numbers aligned to the right. Ids are never cut. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const cells = rows.map((row) => row.map(visibleLine));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => columnsOf(row[column] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const room = ' '.repeat(widths[column] - columnsOf(cell));
        return right.includes(column) ? room + cell : cell + room;
      })
      .join('  ')
      .trimEnd();
  return [paint('dim', line(head)), ...cells.map(line)].join('\n');
}

/**
 * Writes log lines to the console: as JSON, or as one readable line each on a terminal. A slow or closed reader must not block
 * or end the process: above a bound, lines are dropped and counted, and EPIPE is ignored.
 */
import { UNSAFE_ON_TERMINAL } from '../../base/logger.ts';
import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

const MAX_WAITING_BYTES = 1_024 * 1_024;

export interface ConsoleSink {
  readonly dropped: number;
  write(line: string): void;
}

/** The stream that is written to: `process.stderr`, or any writable in tests. */
export type Out = Pick<WriteStream, 'write' | 'on' | 'writableLength'>;

export function createConsole(out: Out): ConsoleSink {
  let dropped = 0;
  out.on('error', () => {
    dropped += 1;
  });
  // Node writes to a pipe synchronously: without this, a reader that stops reading would block this process.
  (out as { _handle?: { setBlocking?: (on: boolean) => void } })._handle?.setBlocking?.(false);
  return {
    get dropped() {
      return dropped;
    },
    write(line) {
      if (out.writableLength > MAX_WAITING_BYTES) dropped += 1;
      else out.write(line);
    },
  };
}

const COLOURS = { debug: 'gray', info: 'green', warn: 'yellow', error: 'red' } as const;

const visible = (text: string): string =>
  text.replace(UNSAFE_ON_TERMINAL, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** `12:00:01.250 WARN  message key=value` */
export function prettyLine(
  level: keyof typeof COLOURS,
  timeMs: number,
  message: string,
  fields: Readonly<Record<string, unknown>>,
  colour: boolean,
): string {
  const paint = (name: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(name, text, { validateStream: false }) : text;
  const rest = Object.entries(fields).map(([key, value]) => {
    const text = typeof value === 'string' && /^[\w./:@-]+$/.test(value) ? value : JSON.stringify(value);
    return ` ${paint('dim', visible(key))}=${visible(text)}`;
  });
  const time = new Date(timeMs).toISOString().slice(11, 23);
  return `${paint('dim', time)} ${paint(COLOURS[level], level.toUpperCase().padEnd(5))} ${visible(message)}${rest.join('')}\n`;
}

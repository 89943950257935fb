/** Reads the text of a configuration file, which may be a pipe, within its limit. */
import { closeSync, openSync, readSync } from 'node:fs';
import { VitrineError } from '../base/errors.ts';
import { MAX_CONFIG_BYTES } from './document.ts';

/** The size of a pipe or device is unknown before reading, and its data may have no end. */
function readBounded(file: string): string {
  const chunks: Buffer[] = [];
  let size = 0;
  const descriptor = openSync(file, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(64 * 1024);
      const read = readSync(descriptor, chunk, 0, chunk.length, null);
      if (read === 0) return Buffer.concat(chunks, size).toString('utf8');
      size += read;
      if (size > MAX_CONFIG_BYTES) throw Object.assign(new Error('larger than 10 MiB'), { code: 'larger than 10 MiB' });
      chunks.push(chunk.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}

/** The text of a configuration file. Throws VitrineError `config_unreadable`. */
export function readConfigFile(file: string): string {
  try {
    return readBounded(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new VitrineError('config_unreadable', `The configuration file ${file} cannot be read (${reason}).`, {
      hint: 'Name another file with --config FILE.',
      cause,
    });
  }
}

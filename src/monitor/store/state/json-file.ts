/**
 * State that may be lost without harm to data, as one small JSON file that is replaced as a whole. A file that is missing or
 * damaged is as no file.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

export class JsonFile {
  readonly #file: string;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Undefined when there is none. Callers check the content, because other versions may have written it. */
  async read(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as unknown;
    } catch {
      return undefined;
    }
  }

  /** Writes follow each other; each is complete or has not happened. */
  async write(content: unknown): Promise<void> {
    const text = JSON.stringify(content);
    const write = async (): Promise<void> => {
      await mkdir(path.dirname(this.#file), { recursive: true });
      const next = `${this.#file}.next`;
      await writeFile(next, text, { mode: 0o600 });
      await rename(next, this.#file);
    };
    const writing = this.#writing.then(write, write);
    this.#writing = writing;
    await writing;
  }
}

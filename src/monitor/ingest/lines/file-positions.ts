/**
 * How far each followed file was read, kept in one small JSON file that is replaced as a whole. A file is known by its device
 * and inode, and by a digest of its first bytes, because inodes are used again and `copytruncate` keeps them.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Bytes at the beginning of a file that tell it from another. */
export const HEAD_BYTES = 256;
/** Positions of files that are gone are forgotten first. */
const MAX_POSITIONS = 2_000;

export interface Position {
  /** `device:inode`. */
  readonly key: string;
  readonly path: string;
  readonly offset: number;
  /** Of the first `headBytes`. */
  readonly head: string;
  readonly headBytes: number;
}

export const digestOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('base64url').slice(0, 22);

export class FilePositions {
  readonly #file: string;
  readonly #positions: Map<string, Position>;
  #changed = false;

  private constructor(file: string, positions: readonly Position[]) {
    this.#file = file;
    this.#positions = new Map(positions.map((position) => [position.key, position]));
  }

  /** A file that is missing or damaged means that nothing was read yet: lines may come twice, but none is lost. */
  static async open(file: string): Promise<FilePositions> {
    try {
      const found = JSON.parse(await readFile(file, 'utf8')) as unknown;
      return new FilePositions(file, Array.isArray(found) ? found.filter(isPosition) : []);
    } catch {
      return new FilePositions(file, []);
    }
  }

  get(key: string): Position | undefined {
    return this.#positions.get(key);
  }

  set(position: Position): void {
    this.#positions.delete(position.key);
    this.#positions.set(position.key, position);
    if (this.#positions.size > MAX_POSITIONS) this.#positions.delete(this.#positions.keys().next().value as string);
    this.#changed = true;
  }

  /** Of files that were last seen under one of these paths. */
  at(paths: ReadonlySet<string>): readonly Position[] {
    return [...this.#positions.values()].filter((position) => paths.has(position.path));
  }

  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    await mkdir(path.dirname(this.#file), { recursive: true });
    const next = `${this.#file}.next`;
    await writeFile(next, JSON.stringify([...this.#positions.values()]), { mode: 0o600 });
    await rename(next, this.#file);
  }
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false;
  const { key, path: where, offset, head, headBytes } = value as Record<string, unknown>;
  const texts = [key, where, head].every((text) => typeof text === 'string');
  return texts && Number.isSafeInteger(offset) && Number(offset) >= 0 && Number.isSafeInteger(headBytes);
}

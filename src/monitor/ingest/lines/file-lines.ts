/**
 * Follows log files by glob: each line becomes a record once, over restarts of the monitor, rotation by rename and by
 * `copytruncate`. Twice a second it looks for new files and new bytes. The position is kept after the intake has taken the lines,
 * so a monitor that is killed between the two reads at most the last batch again.
 */
import { glob, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { every } from '../../../base/clock.ts';
import type { LogRecord } from '../../../model/records.ts';
import type { Intake } from '../request/intake.ts';
import { FilePositions } from './file-positions.ts';
import { FollowedFile, keyOf } from './followed-file.ts';
import type { LineReader } from './line-reader.ts';
import { isLogfmt, TraceJoiner, type LineFormat } from './text-lines.ts';

export interface FileSource {
  /** May contain `*`, `**`, `?` and `{a,b}`. */
  readonly path: string;
  readonly format: LineFormat;
  /** Of lines that state none; the file's name without its ending when absent. */
  readonly service?: string | undefined;
}

export interface FileLinesOptions {
  readonly sources: readonly FileSource[];
  readonly reader: LineReader;
  readonly intake: Intake;
  /** Where positions are kept. */
  readonly positions: string;
  readonly clock: Clock;
  /** Told about a file that cannot be read. */
  readonly onTrouble: (message: string) => void;
}

const LOOK_MS = 500;
const MAX_FILES = 1_000;
const MAX_LINE_BYTES = 256 * 1024;
/** Of one file in one round, so that a large file does not keep the others waiting. */
const ROUND_BYTES = 4 * 1024 * 1024;

interface Followed {
  readonly file: FollowedFile;
  readonly source: FileSource;
  readonly joiner: TraceJoiner;
  /** Rounds without new lines: a waiting record is complete then. */
  quiet: number;
  /** True when its path names another file now. */
  replaced: boolean;
}

export class FileLines implements AsyncDisposable {
  readonly #options: FileLinesOptions;
  readonly #files = new Map<string, Followed>();
  #positions: FilePositions | undefined;
  #stop: (() => void) | undefined;
  #omitted = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: FileLinesOptions) {
    this.#options = options;
  }

  get files(): number {
    return this.#files.size;
  }

  /** Files that match but are beyond the limit. */
  get omitted(): number {
    return this.#omitted;
  }

  async start(): Promise<void> {
    this.#positions = await FilePositions.open(this.#options.positions);
    const trouble = (error: unknown): void =>
      this.#options.onTrouble(error instanceof Error ? error.message : String(error));
    await this.round().catch(trouble);
    this.#stop = every(this.#options.clock, LOOK_MS, () => this.round(), trouble);
  }

  /** Looks for files and reads what is new in each. Rounds do not overlap. */
  async round(): Promise<void> {
    const running = this.#running.then(
      () => this.#round(),
      () => this.#round(),
    );
    this.#running = running;
    await running;
  }

  async #round(): Promise<void> {
    const positions = this.#positions;
    if (positions === undefined) return;
    await this.#look(positions);
    for (const [key, followed] of this.#files) {
      try {
        await this.#read(followed, positions);
      } catch (error) {
        this.#options.onTrouble(`${followed.file.path}: ${error instanceof Error ? error.message : String(error)}`);
        await this.#leave(key, followed);
      }
    }
    await positions.save();
  }

  async #look(positions: FilePositions): Promise<void> {
    const seen = new Set<string>();
    this.#omitted = 0;
    for (const source of this.#options.sources) {
      const paths: string[] = [];
      for await (const found of glob(source.path)) paths.push(path.resolve(found));
      for (const found of paths.sort()) await this.#find(found, source, seen, positions);
      await this.#findRotated(new Set(paths), source, seen, positions);
    }
    for (const [key, followed] of this.#files) followed.replaced = !seen.has(key);
  }

  async #find(found: string, source: FileSource, seen: Set<string>, positions: FilePositions): Promise<void> {
    const stats = await stat(found).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) return;
    const key = keyOf(stats);
    if (seen.has(key)) return;
    seen.add(key);
    if (this.#files.has(key)) return;
    if (this.#files.size >= MAX_FILES) {
      this.#omitted += 1;
      return;
    }
    const file = await FollowedFile.open(found, (at) => positions.get(at), MAX_LINE_BYTES).catch((error: Error) => {
      this.#options.onTrouble(`${found}: ${error.message}`);
    });
    if (file === undefined) return;
    const begun: Followed = { file, source, joiner: new TraceJoiner(), quiet: 0, replaced: false };
    this.#files.set(file.key, begun);
  }

  /** A file that was renamed while no monitor ran: it is looked for beside its old path, and its rest is read. */
  async #findRotated(
    paths: ReadonlySet<string>,
    source: FileSource,
    seen: Set<string>,
    positions: FilePositions,
  ): Promise<void> {
    for (const { key, path: old } of positions.at(paths)) {
      if (seen.has(key) || this.#files.has(key)) continue;
      for await (const beside of glob(`${escaped(old)}*`)) {
        const stats = await stat(beside).catch(() => undefined);
        if (stats !== undefined && keyOf(stats) === key)
          await this.#find(path.resolve(beside), source, seen, positions);
      }
    }
  }

  async #read(followed: Followed, positions: FilePositions): Promise<void> {
    const { file, joiner } = followed;
    const { lines, atEnd, restarted } = await file.next(ROUND_BYTES);
    const texts = restarted ? joiner.flush() : [];
    const ended = followed.replaced && atEnd;
    const all = ended ? [...lines, ...file.last()] : lines;
    for (const { bytes } of all) {
      if (bytes === undefined) this.#options.intake.refused('logs', 'invalid', 1);
      else texts.push(...this.#whole(followed, bytes.toString('utf8').replace(/\r$/, '')));
    }
    followed.quiet = all.length === 0 ? followed.quiet + 1 : 0;
    if (ended || followed.quiet > 0) texts.push(...joiner.flush());
    await this.#take(followed, texts);
    positions.set(file.position);
    if (ended) await this.#leave(file.key, followed);
  }

  #whole({ source, joiner }: Followed, text: string): string[] {
    if (text.trim() === '') return [];
    const { format } = source;
    const structured = format === 'auto' ? text.startsWith('{') || isLogfmt(text) : format !== 'text';
    return structured ? [...joiner.flush(), text] : joiner.push(text);
  }

  async #take({ source, file }: Followed, texts: readonly string[]): Promise<void> {
    const { intake, reader, clock } = this.#options;
    const service = source.service ?? path.basename(file.path).replace(/\..*$/, '');
    const records: LogRecord[] = [];
    for (const text of texts) {
      const record = reader.readText(text, source.format, clock.now(), service);
      if (typeof record === 'string') intake.refused('logs', 'invalid', 1);
      else records.push(record);
    }
    if (records.length > 0) await intake.logs(records, 'file');
  }

  async #leave(key: string, { file }: Followed): Promise<void> {
    this.#files.delete(key);
    await file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop?.();
    await this.#running.catch(() => {});
    await this.#positions?.save();
    for (const [key, followed] of this.#files) await this.#leave(key, followed);
  }
}

const escaped = (name: string): string => name.replace(/[*?[\]{}!()]/g, String.raw`\$&`);

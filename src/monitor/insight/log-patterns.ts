/**
 * The patterns of all lines as they come: counts, first and last seen, and the version of the service that wrote a pattern
 * first. Patterns are kept over restarts. A pattern that appears when its service has been known for a while is new, which a
 * counter says, so that a rule can alert on it.
 */
import { attributeText } from '../../model/attribute-text.ts';
import type { AppendResult, LogSink } from '../../model/ports.ts';
import { serviceOf, type LogRecord } from '../../model/records.ts';
import type { Clock } from '../../base/clock.ts';
import { levelName } from '../../model/text/severity.ts';
import type { JsonFile } from '../store/state/json-file.ts';
import { OTHER, PatternMiner, type Pattern } from './pattern-miner.ts';

export interface PatternFacts {
  readonly id: number;
  readonly service: string;
  readonly template: string;
  readonly count: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  /** Of the service when the pattern was first seen, '' when unknown. */
  readonly version: string;
  readonly level: string;
}

export interface LogPatternsOptions {
  readonly sink: LogSink;
  readonly clock: Clock;
  readonly file: JsonFile;
  /** Told about a pattern of a service that is known for longer than `learningMs`. */
  readonly onNew: (service: string, level: string) => void;
  /** Default ten minutes: a service that has just started writes only new patterns. */
  readonly learningMs?: number | undefined;
}

interface Entry {
  readonly pattern: Pattern;
  count: number;
  readonly firstSeenMs: number;
  lastSeenMs: number;
  readonly version: string;
  readonly level: string;
}

const LEARNING_MS = 600_000;
/** Messages whose pattern is remembered, and the longest of them. */
const REPEATED_MAX = 2_000;
const REPEATED_LENGTH = 200;

/** The patterns of messages that came before: most lines repeat one, and cutting a message into words takes a microsecond and more. */
class Repeated {
  readonly #miner: PatternMiner;
  readonly #services = new Map<string, Map<string, Entry>>();
  #version = -1;
  #messages = 0;

  constructor(miner: PatternMiner) {
    this.#miner = miner;
  }

  get(service: string, message: string): Entry | undefined {
    return this.#version === this.#miner.version ? this.#services.get(service)?.get(message) : undefined;
  }

  note(service: string, message: string, entry: Entry): void {
    if (message.length > REPEATED_LENGTH) return;
    if (this.#version !== this.#miner.version || this.#messages >= REPEATED_MAX) {
      this.#services.clear();
      this.#messages = 0;
      this.#version = this.#miner.version;
    }
    let messages = this.#services.get(service);
    if (messages === undefined) this.#services.set(service, (messages = new Map()));
    messages.set(message, entry);
    this.#messages += 1;
  }
}

export class LogPatterns implements LogSink {
  readonly #options: LogPatternsOptions;
  readonly #miner = new PatternMiner();
  readonly #repeated = new Repeated(this.#miner);
  readonly #entries = new Map<number, Entry>();
  /** Patterns that lost lines in the deletion that is under way. */
  readonly #forgotten = new Set<number>();
  /** When each service was first seen. */
  readonly #services = new Map<string, number>();

  constructor(options: LogPatternsOptions) {
    this.#options = options;
  }

  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult> {
    const nowMs = this.#options.clock.now();
    for (const record of records) this.#count(record, nowMs);
    return this.#options.sink.append(records);
  }

  /** Known patterns, the most frequent first. */
  list(): PatternFacts[] {
    return [...this.#entries.values()].map(factsOf).sort((a, b) => b.count - a.count || a.id - b.id);
  }

  /** The known pattern of a line; undefined when there is none. */
  match(service: string, message: string): PatternFacts | undefined {
    const pattern = this.#miner.match(service, message);
    const entry = pattern === undefined ? undefined : this.#entries.get(pattern.id);
    return entry === undefined ? undefined : factsOf(entry);
  }

  /** One line of a pattern was deleted: the pattern goes with its last one. */
  forget(service: string, message: string): void {
    const pattern = this.#miner.match(service, message);
    const entry = pattern === undefined ? undefined : this.#entries.get(pattern.id);
    if (pattern === undefined || entry === undefined) return;
    entry.count -= 1;
    this.#forgotten.add(pattern.id);
    if (entry.count <= 0) this.#remove(pattern);
  }

  /**
   * Ends a deletion. Patterns that lost a line and hold one of these words go too: their other lines may have left the store
   * before, and the word with them.
   */
  forgetWords(words: ReadonlySet<string>): void {
    for (const id of this.#forgotten) {
      const pattern = this.#entries.get(id)?.pattern;
      if (pattern === undefined) continue;
      const text = pattern.words.join(' ').toLowerCase();
      if ([...words].some((word) => text.includes(word))) this.#remove(pattern);
    }
    this.#forgotten.clear();
  }

  #remove(pattern: Pattern): void {
    this.#miner.remove(pattern);
    this.#entries.delete(pattern.id);
  }

  async restore(): Promise<void> {
    const saved = await this.#options.file.read();
    if (typeof saved !== 'object' || saved === null || !('patterns' in saved) || !Array.isArray(saved.patterns)) return;
    for (const row of saved.patterns as readonly unknown[]) {
      const entry = entryOf(row);
      if (entry === undefined || this.#entries.has(entry.pattern.id)) continue;
      this.#miner.restore(entry.pattern);
      this.#entries.set(entry.pattern.id, entry);
      const { service } = entry.pattern;
      this.#services.set(service, Math.min(this.#services.get(service) ?? Infinity, entry.firstSeenMs));
    }
  }

  async save(): Promise<void> {
    const patterns = [...this.#entries.values()].map(({ pattern: { id, service, words }, ...rest }) => ({
      id,
      service,
      words,
      ...rest,
    }));
    await this.#options.file.write({ version: 1, patterns });
  }

  #count(record: LogRecord, nowMs: number): void {
    const service = serviceOf(record.resource);
    const message = attributeText(record.body);
    const repeated = this.#repeated.get(service, message);
    if (repeated !== undefined) {
      repeated.count += 1;
      repeated.lastSeenMs = nowMs;
      return;
    }
    const pattern = this.#miner.add(service, message);
    const known = this.#entries.get(pattern.id);
    if (known !== undefined) {
      this.#repeated.note(service, message, known);
      known.count += 1;
      known.lastSeenMs = nowMs;
      return;
    }
    const level = levelName(record.severityNumber) || 'unknown';
    const version = record.resource.attributes['service.version'];
    this.#entries.set(pattern.id, {
      pattern,
      count: 1,
      firstSeenMs: nowMs,
      lastSeenMs: nowMs,
      version: typeof version === 'string' ? version : '',
      level,
    });
    const began = this.#services.get(pattern.service);
    if (began === undefined) this.#services.set(pattern.service, nowMs);
    else if (nowMs - began > (this.#options.learningMs ?? LEARNING_MS) && pattern.words[0] !== OTHER) {
      this.#options.onNew(pattern.service, level);
    }
  }
}

const factsOf = ({ pattern, count, firstSeenMs, lastSeenMs, version, level }: Entry): PatternFacts => ({
  id: pattern.id,
  service: pattern.service,
  template: pattern.words.join(' '),
  count,
  firstSeenMs,
  lastSeenMs,
  version,
  level,
});

function entryOf(row: unknown): Entry | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const { id, service, words, count, firstSeenMs, lastSeenMs, version, level } = row as Record<string, unknown>;
  const numbers = [id, count, firstSeenMs, lastSeenMs];
  if (!numbers.every((value) => typeof value === 'number' && Number.isFinite(value))) return undefined;
  if (![service, version, level].every((value) => typeof value === 'string')) return undefined;
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) return undefined;
  const pattern = { id: id as number, service: service as string, words };
  return { pattern, count, firstSeenMs, lastSeenMs, version, level } as Entry;
}

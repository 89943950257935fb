/**
 * Deleting records by a filter, in two steps: a dry run counts what would go and gives a token, and the deletion takes that token
 * with the same filter. The filter is that of the dry run: `now` keeps its meaning, so nothing goes that was not counted except
 * records that came in between.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { randomHex } from '../../base/random.ts';
import { RECORD_SIGNALS, type RecordBatch, type RecordEraser, type RecordSignal } from '../../model/record-source.ts';
import { checkedFilter } from './checker.ts';
import { valueAt } from './counts.ts';
import { compileFilter } from './evaluate.ts';
import type { LogRecord, SpanRecord } from '../../model/records.ts';
import type { Condition, Filter, ValueTest } from './filter.ts';
import { needsOf } from './plan.ts';

/** Those who keep something of records beside the store. They are told of each record that is deleted. */
export interface Elsewhere {
  line(line: LogRecord): void;
  span(span: SpanRecord): void;
  /** At the end: the traces that lost a record, and the words that the filter named, in lower case. */
  finish(traceIds: ReadonlySet<string>, words: ReadonlySet<string>): Promise<void>;
}

export type Forgotten = Readonly<Record<RecordSignal, number>>;

/** A dry run is good for so long. */
const TOKEN_MS = 600_000;
const MAX_TOKENS = 20;

interface Promised {
  readonly text: string;
  readonly filter: Filter;
  readonly untilMs: number;
}

export class Forgetting {
  readonly #eraser: RecordEraser;
  readonly #clock: Clock;
  readonly #elsewhere: Elsewhere;
  readonly #promised = new Map<string, Promised>();

  constructor(eraser: RecordEraser, clock: Clock, elsewhere: Elsewhere) {
    this.#eraser = eraser;
    this.#clock = clock;
    this.#elsewhere = elsewhere;
  }

  /** @throws VitrineError `query_invalid`; `bad_request` for a filter that selects everything */
  async count(text: string): Promise<{ readonly token: string; readonly records: Forgotten }> {
    const filter = checkedFilter(text, this.#clock.now());
    if (filter.condition.kind === 'all') {
      throw new VitrineError('bad_request', 'An empty filter would delete everything.', {
        hint: 'Name what is to be deleted, such as user.id:42.',
      });
    }
    const records = await this.#erase(filter, true);
    const token = randomHex(16);
    while (this.#promised.size >= MAX_TOKENS) this.#promised.delete(this.#promised.keys().next().value as string);
    this.#promised.set(digest(token), { text, filter, untilMs: this.#clock.now() + TOKEN_MS });
    return { token, records };
  }

  /** @throws VitrineError `conflict` for a token that no dry run of this filter gave in the last ten minutes */
  async forget(text: string, token: string): Promise<Forgotten> {
    const promised = this.#promised.get(digest(token));
    this.#promised.delete(digest(token));
    if (promised === undefined || promised.text !== text || promised.untilMs < this.#clock.now()) {
      throw new VitrineError(
        'conflict',
        'This token does not belong to a dry run of this filter in the last ten minutes.',
        {
          hint: 'Send {"q":…,"dry_run":true} first; its answer has the token.',
        },
      );
    }
    return this.#erase(promised.filter, false);
  }

  async #erase(filter: Filter, dryRun: boolean): Promise<Forgotten> {
    const counts = { logs: 0, traces: 0, requests: 0 };
    const { fromMs, toMs, services, ids, words } = needsOf(filter);
    const tests = compileFilter(filter);
    const range = { fromMs: Math.floor(fromMs), toMs: Math.floor(toMs) + 1 };
    const traceIds = new Set<string>();
    for (const signal of RECORD_SIGNALS) {
      const scan = { signal, ...range, services, ids, words };
      const chosen = (batch: RecordBatch): readonly number[] => {
        const rows = rowsOf(batch, tests(batch));
        const traces = batch.column('trace');
        for (const row of rows) {
          traceIds.add((valueAt(traces, row) ?? '') as string);
          if (!dryRun) this.#tell(batch, row);
        }
        return rows;
      };
      counts[signal] = await this.#eraser.erase(scan, chosen, dryRun);
    }
    traceIds.delete('');
    if (!dryRun) await this.#elsewhere.finish(traceIds, wordsIn(filter.condition));
    return counts;
  }

  #tell(batch: RecordBatch, row: number): void {
    if (batch.signal === 'logs') this.#elsewhere.line(batch.record(row) as LogRecord);
    else if (batch.signal === 'traces') this.#elsewhere.span(batch.record(row) as SpanRecord);
  }
}

/** The texts that records had to have, in lower case: what a person wants gone is most often one of them. */
function wordsIn(condition: Condition, found = new Set<string>()): Set<string> {
  if (condition.kind === 'and' || condition.kind === 'or') for (const part of condition.parts) wordsIn(part, found);
  else if (condition.kind === 'text') addWords(condition.text, found);
  else if (condition.kind === 'id') found.add(condition.id.toLowerCase());
  else if (condition.kind === 'field' && !SHARED.has(condition.field)) addTest(condition.test, found);
  return found;
}

/** Fields whose values stand for many records, which do not name anyone. */
const SHARED = new Set(['service', 'level', 'kind', 'method', 'status', 'version', 'span.status']);

function addTest(test: ValueTest, found: Set<string>): void {
  if (test.kind === 'any') for (const one of test.tests) addTest(one, found);
  else if (test.kind === 'equal' || test.kind === 'wildcard') addWords(test.text, found);
}

function addWords(text: string, found: Set<string>): void {
  for (const word of text.toLowerCase().split(/[\s*]+/u)) if (word !== '') found.add(word);
}

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

function rowsOf(batch: RecordBatch, test: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = batch.begin; row < batch.end; row += 1) if (test(row)) rows.push(row);
  return rows;
}

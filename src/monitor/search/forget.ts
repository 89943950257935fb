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
import type { Filter } from './filter.ts';
import { needsOf } from './plan.ts';

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
  readonly #dropTraces: (traceIds: ReadonlySet<string>) => Promise<void>;
  readonly #promised = new Map<string, Promised>();

  /** `dropTraces` removes what is kept of the traces elsewhere: copies in memory, samples of errors. */
  constructor(eraser: RecordEraser, clock: Clock, dropTraces: (traceIds: ReadonlySet<string>) => Promise<void>) {
    this.#eraser = eraser;
    this.#clock = clock;
    this.#dropTraces = dropTraces;
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
        for (const row of rows) traceIds.add((valueAt(traces, row) ?? '') as string);
        return rows;
      };
      counts[signal] = await this.#eraser.erase(scan, chosen, dryRun);
    }
    traceIds.delete('');
    if (!dryRun) await this.#dropTraces(traceIds);
    return counts;
  }
}

const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

function rowsOf(batch: RecordBatch, test: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = batch.begin; row < batch.end; row += 1) if (test(row)) rows.push(row);
  return rows;
}

/**
 * The last step before lines and spans are counted, stored or passed on, on every road: redaction by the configured rules, then
 * limits on the size of texts and the number of fields. Without rules, a record within the limits is passed on as it is.
 */
import type { AppendResult } from '../../../model/ports.ts';
import type { LogRecord, SpanRecord } from '../../../model/records.ts';
import { RECORD_LIMITS, RecordRoom, ResourceLimits, type CutReason, type RecordLimits } from './record-limits.ts';
import { Redaction } from './redaction.ts';

export interface LimitedSinkOptions<R> {
  readonly sink: { append(records: readonly R[]): AppendResult | Promise<AppendResult> };
  readonly redaction?: Redaction | undefined;
  readonly limits?: RecordLimits | undefined;
  /** What was cut is counted, and can be seen on the record. */
  readonly onCut?: ((reason: CutReason) => void) | undefined;
}

export abstract class LimitedSink<R extends LogRecord | SpanRecord> {
  protected readonly limits: RecordLimits;
  protected readonly resources: ResourceLimits;
  protected readonly onCut: (reason: CutReason) => void;
  readonly #sink: LimitedSinkOptions<R>['sink'];
  readonly #redaction: Redaction;
  /** Asked whether a record fits; the records that do not get a room of their own. */
  readonly #asked: RecordRoom;

  constructor({ sink, redaction = Redaction.none, limits = RECORD_LIMITS, onCut = () => {} }: LimitedSinkOptions<R>) {
    this.#sink = sink;
    this.#redaction = redaction;
    this.limits = limits;
    this.resources = new ResourceLimits(limits, redaction);
    this.onCut = onCut;
    this.#asked = this.room();
  }

  append(records: readonly R[]): AppendResult | Promise<AppendResult> {
    return this.#sink.append(records.map((record) => (this.#staysAsItIs(record) ? record : this.limited(record))));
  }

  #staysAsItIs(record: R): boolean {
    if (!this.#redaction.isEmpty || this.resources.of(record.resource).resource !== record.resource) return false;
    return this.fits(record, this.#asked.again());
  }

  /** The room of one record. */
  protected room(): RecordRoom {
    return new RecordRoom(this.limits, this.#redaction);
  }

  /** Whether all but the resource is within the limits. */
  protected abstract fits(record: R, room: RecordRoom): boolean;

  /** The record without secrets and within the limits. */
  protected abstract limited(record: R): R;
}

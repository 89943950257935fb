/**
 * The last step before log records are stored or passed on, on every road (OTLP, NDJSON, files, frames): redaction by the
 * configured rules, then limits on the size of texts and the number of fields. What is cut is counted and can be seen on the
 * record.
 */
import type { AppendResult, LogSink } from '../../../model/ports.ts';
import type { LogRecord } from '../../../model/records.ts';
import { RECORD_LIMITS, RecordRoom, ResourceLimits, type CutReason, type RecordLimits } from './record-limits.ts';
import { Redaction } from './redaction.ts';

export interface LineLimitsOptions {
  readonly sink: LogSink;
  readonly redaction?: Redaction | undefined;
  readonly limits?: RecordLimits | undefined;
  readonly onCut?: ((reason: CutReason) => void) | undefined;
}

export class LineLimits implements LogSink {
  readonly #sink: LogSink;
  readonly #limits: RecordLimits;
  readonly #redaction: Redaction;
  readonly #resources: ResourceLimits;
  readonly #onCut: (reason: CutReason) => void;

  constructor({ sink, redaction = Redaction.none, limits = RECORD_LIMITS, onCut = () => {} }: LineLimitsOptions) {
    this.#sink = sink;
    this.#limits = limits;
    this.#redaction = redaction;
    this.#resources = new ResourceLimits(limits, redaction);
    this.#onCut = onCut;
  }

  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult> {
    return this.#sink.append(records.map((record) => this.#care(record)));
  }

  #care(record: LogRecord): LogRecord {
    if (this.#staysAsItIs(record)) return record;
    const room = new RecordRoom(this.#limits, this.#redaction);
    const body = room.value(record.body, 'message');
    const attributes = room.withOmitted(room.bag(record.attributes));
    const { resource, cut } = this.#resources.of(record.resource);
    const scope = { name: room.text(record.scope.name), version: room.text(record.scope.version) };
    const severityText = room.text(record.severityText);
    if (room.omitted > 0) this.#onCut('fields');
    if (room.cut || cut) this.#onCut('text');
    return { ...record, body, attributes, severityText, resource, scope };
  }

  #staysAsItIs({ body, attributes, severityText, resource, scope }: LogRecord): boolean {
    const { textLength } = this.#limits;
    if (!this.#redaction.isEmpty || severityText.length > textLength) return false;
    if (scope.name.length > textLength || scope.version.length > textLength) return false;
    if (this.#resources.of(resource).resource !== resource) return false;
    const room = new RecordRoom(this.#limits, this.#redaction);
    return room.fits(body) && room.fits(attributes);
  }
}

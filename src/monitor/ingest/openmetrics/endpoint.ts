/**
 * `POST /api/v1/import/openmetrics`: samples with their timestamps, in the form of an export or a scrape page. The body is
 * read as a stream: valid lines are stored, invalid ones are counted and reported with their number.
 * `application/openmetrics-text` has times in seconds, `text/plain` (0.0.4) in milliseconds; a sample without a time gets
 * the present time.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { RejectReason } from '../../../model/ports.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Exemplar, MetricMetadata } from '../../../model/series.ts';
import type { Answer, Endpoint } from '../request/endpoint.ts';
import { mediaType, problemAnswer } from '../request/endpoint.ts';
import type { Intake } from '../request/intake.ts';
import type { Line } from '../request/line-splitter.ts';
import { LineSplitter } from '../request/line-splitter.ts';
import type { LinesAnswer } from '../lines/endpoint.ts';
import type { MetricLine } from './reader.ts';
import { parseMetricLine, typeOf } from './reader.ts';
import { RejectionTally } from '../checks/rejections.ts';
import type { BodyLimits } from '../request/body.ts';
import { eachChunk } from '../request/body.ts';
import { SampleColumns } from '../metrics/sample-columns.ts';
import { overLabelLimit } from '../metrics/series-labels.ts';
import { refuseTime } from '../checks/time-rules.ts';

const MAX_LINE_BYTES = 256 * 1024;
const BATCH_SAMPLES = 10_000;
const MAX_ERRORS = 10;
/** Families whose metadata one request may describe. */
const MAX_FAMILIES = 10_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export function openMetricsEndpoint(intake: Intake, limits: BodyLimits): Endpoint {
  return {
    async answer(request, lease): Promise<Answer> {
      const type = mediaType(request);
      if (type !== 'application/openmetrics-text' && type !== 'text/plain') {
        throw new VitrineError(
          'unsupported_media_type',
          'the Content-Type is neither application/openmetrics-text nor text/plain',
        );
      }
      const reading = new Import(intake, type === 'text/plain' ? 1 : 1000);
      const splitter = new LineSplitter(MAX_LINE_BYTES);
      lease.take(MAX_LINE_BYTES);
      await eachChunk(request, limits, async (chunk) => {
        for (const line of splitter.push(chunk)) await reading.line(line);
      });
      for (const line of splitter.end()) await reading.line(line);
      const answer = await reading.finish();
      const status = answer.accepted === 0 && answer.rejected > 0 ? 400 : 200;
      return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(answer) };
    },
    refuse: problemAnswer,
  };
}

interface Pending {
  readonly labels: Labels;
  readonly value: number;
  readonly timeMs: number;
  readonly exemplar: Exemplar | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

class Import {
  readonly #intake: Intake;
  readonly #msPerUnit: number;
  readonly #families = new Map<string, Writable<MetricMetadata>>();
  readonly #errors: { line: number; reason: string }[] = [];
  /** References are resolved when a batch is written, because the store may release them while lines are still read. */
  #pending: Pending[] = [];
  #accepted = 0;
  #rejected = 0;
  #ended = false;

  constructor(intake: Intake, msPerUnit: number) {
    this.#intake = intake;
    this.#msPerUnit = msPerUnit;
  }

  async line({ number, bytes }: Line): Promise<void> {
    if (bytes === undefined) {
      this.#refuse(number, 'invalid', `the line is longer than ${MAX_LINE_BYTES} bytes`);
      return;
    }
    const parsed = this.#parse(bytes);
    switch (parsed.kind) {
      case 'end':
        this.#ended = true;
        break;
      case 'meta':
        this.#describe(parsed);
        break;
      case 'error':
        this.#refuse(number, 'invalid', parsed.reason);
        break;
      case 'sample':
        this.#sample(parsed, number);
        break;
      default:
    }
    if (this.#pending.length >= BATCH_SAMPLES) await this.#flush();
  }

  async finish(): Promise<LinesAnswer> {
    await this.#flush(this.#families.values());
    return { accepted: this.#accepted, rejected: this.#rejected, errors: this.#errors };
  }

  #parse(bytes: Buffer): MetricLine {
    try {
      const text = utf8.decode(bytes);
      const parsed = parseMetricLine(text.endsWith('\r') ? text.slice(0, -1) : text);
      if (this.#ended && parsed.kind !== 'nothing') return { kind: 'error', reason: 'the line stands after # EOF' };
      return parsed;
    } catch (error) {
      if (error instanceof TypeError) return { kind: 'error', reason: 'the line is not UTF-8' };
      throw error;
    }
  }

  #describe({ name, field, text }: Extract<MetricLine, { kind: 'meta' }>): void {
    let metadata = this.#families.get(name);
    if (metadata === undefined) {
      if (this.#families.size >= MAX_FAMILIES) return;
      metadata = { name, type: 'unknown', help: '', unit: '' };
      this.#families.set(name, metadata);
    }
    if (field === 'type') metadata.type = typeOf(text);
    else metadata[field] = text;
  }

  #sample(sample: Extract<MetricLine, { kind: 'sample' }>, line: number): void {
    const { clock, times, labels: limits } = this.#intake;
    const nowMs = clock.now();
    const timeMs = sample.time === undefined ? nowMs : Math.round(sample.time * this.#msPerUnit);
    const refused = refuseTime(timeMs, nowMs, times, this.#msPerUnit === 1 ? 'milliseconds' : 'seconds');
    const over = overLabelLimit(sample.labels, limits);
    if (refused !== undefined) this.#refuse(line, refused.reason, refused.message);
    else if (over !== undefined) this.#refuse(line, 'label_limit', over);
    else {
      const { labels, value, exemplar } = sample;
      this.#pending.push({ labels, value, timeMs, exemplar });
    }
  }

  async #flush(families: Iterable<MetricMetadata> = []): Promise<void> {
    const columns = new SampleColumns(Math.max(1, this.#pending.length));
    for (const { labels, value, timeMs, exemplar } of this.#pending) {
      const ref = this.#intake.sinks.samples.resolve(labels);
      columns.add(ref, timeMs, value, false, 0);
      if (exemplar === undefined) continue;
      columns.addExemplar(ref, exemplar.timestampMs > 0 ? exemplar : { ...exemplar, timestampMs: timeMs });
    }
    for (const metadata of families) columns.addMetadata(metadata);
    this.#pending = [];
    const tally = new RejectionTally();
    const { accepted, rejected } = await this.#intake.samples(columns, columns.count, tally, 'openmetrics');
    this.#accepted += accepted;
    for (const { count, message } of rejected) {
      this.#rejected += count;
      this.#note(0, message);
    }
  }

  #refuse(line: number, reason: RejectReason, message: string): void {
    this.#rejected += 1;
    this.#intake.refused('metrics', reason, 1);
    this.#note(line, message);
  }

  #note(line: number, reason: string): void {
    if (this.#errors.length < MAX_ERRORS) this.#errors.push({ line, reason });
  }
}

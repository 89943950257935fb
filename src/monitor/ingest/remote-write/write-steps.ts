/** The steps that both versions of remote write share: check, count, and put into columns. */
import type { Exemplar, MetricMetadata } from '../../../model/series.ts';
import { RejectionTally, quoted } from '../checks/rejections.ts';
import { SampleColumns } from '../metrics/sample-columns.ts';
import type { TimeRules } from '../checks/time-rules.ts';
import { refuseTime } from '../checks/time-rules.ts';
import type { HistogramSample } from './histogram-message.ts';
import { refuseHistogram } from './histogram-message.ts';
import type { WriteSeries, WriteSeriesCache } from './write-series.ts';

const MAX_NAME_CHARACTERS = 1024;
const FIRST_SAMPLES = 1024;

export class WriteSteps {
  readonly cache: WriteSeriesCache;
  #columns = new SampleColumns(FIRST_SAMPLES);
  #tally = new RejectionTally();
  readonly #times: TimeRules;
  readonly #nowMs: number;
  /** Where the present series begins in the columns, and what was counted before it. */
  #from = 0;
  #before = { samples: 0, histograms: 0 };
  #taken = 0;
  /** Float samples, histograms and exemplars of the request, refused ones too. */
  samples = 0;
  histograms = 0;
  exemplars = 0;

  constructor(cache: WriteSeriesCache, times: TimeRules, nowMs: number) {
    this.cache = cache;
    this.#times = times;
    this.#nowMs = nowMs;
  }

  sample(series: WriteSeries, timeMs: number, value: number, stale: boolean, startMs: number): void {
    this.samples += 1;
    if (this.#accepts(series, timeMs)) this.#columns.add(series.ref, timeMs, value, stale, startMs);
  }

  histogram(series: WriteSeries, { histogram, stale, timeMs, startMs }: HistogramSample): void {
    this.histograms += 1;
    if (!this.#accepts(series, timeMs)) return;
    const wrong = stale ? undefined : refuseHistogram(histogram);
    if (wrong === undefined) this.#columns.addHistogram(series.ref, timeMs, histogram, stale, startMs);
    else this.#tally.add('invalid', `histogram of ${quoted(series.labels.name)}: ${wrong}`);
  }

  /** Samples and histograms that were not taken yet, refused ones too. */
  get pending(): number {
    return this.samples + this.histograms - this.#taken;
  }

  /** What was read since the last call. Their references are those of this turn, so they must be stored in it. */
  take(): { readonly columns: SampleColumns; readonly tally: RejectionTally; readonly items: number } {
    const part = { columns: this.#columns, tally: this.#tally, items: this.pending };
    this.#columns = new SampleColumns(FIRST_SAMPLES);
    this.#tally = new RejectionTally();
    this.#taken += part.items;
    this.#from = 0;
    return part;
  }

  beginSeries(): void {
    this.#from = this.#columns.count;
    this.#before = { samples: this.samples, histograms: this.histograms };
  }

  /**
   * A message lists floats before histograms; a series that has both in one request gets them in order of time, or all
   * histograms older than the last float would be out of order.
   */
  endSeries(): void {
    const { samples, histograms } = this.#before;
    if (this.samples > samples && this.histograms > histograms) this.#columns.sortFrom(this.#from);
  }

  /** Exemplars of refused series and exemplars over the limit are dropped; they do not count as samples. */
  exemplar(series: WriteSeries, exemplar: Exemplar): void {
    if (series.refusal !== undefined || tooLong(exemplar)) return;
    this.exemplars += 1;
    this.#columns.addExemplar(series.ref, exemplar);
  }

  metadata(metadata: MetricMetadata): void {
    const { name, type, help, unit } = metadata;
    if (name === '' || name.length > MAX_NAME_CHARACTERS) return;
    this.#columns.addMetadata({ name, type, help: help.slice(0, 4096), unit: unit.slice(0, MAX_NAME_CHARACTERS) });
  }

  #accepts(series: WriteSeries, timeMs: number): boolean {
    const refused = series.refusal ?? refuseTime(timeMs, this.#nowMs, this.#times, 'milliseconds');
    if (refused === undefined) return true;
    const name = series.refusal === undefined ? `${quoted(series.labels.name)}: ` : '';
    this.#tally.add(refused.reason, name + refused.message);
    return false;
  }
}

/** OpenMetrics allows 128 characters in the labels of an exemplar. */
function tooLong({ labels }: Exemplar): boolean {
  let characters = 0;
  for (const part of labels.pairs) characters += part.length;
  return characters > 128;
}

/**
 * telemetrygen at ten thousand items a second. Its limiter lets one item pass at a time and sleeps in between, so a worker that
 * is asked for more than a few hundred a second falls behind whatever the processor does: the rate comes from many slow workers.
 * A trace waits at the limiter for each of its two spans. Workers of one process share one series of metrics, and two points of
 * a series in one millisecond are rightly refused; `--unique-timeseries` makes an attribute list that grows with each point.
 * So metrics come from many processes, each with a series of its own. The slower each of them is, the less a late wake-up costs:
 * one that is late by more than its interval makes two points at once, of which the second is refused.
 */
import { neededProgram, startProgram } from '../program.ts';

export const SIGNALS = ['traces', 'logs', 'metrics'] as const;
export type Signal = (typeof SIGNALS)[number];

const WORKERS = 40;
/** Processes that make metrics, which is also how many series they make. */
export const METRIC_SERIES = 80;
const BATCH = 500;

export interface Sent {
  /** Spans, log records or data points that were made and handed to the exporter. */
  readonly items: number;
  readonly seconds: number;
  readonly output: string;
}

export interface Load {
  readonly signal: Signal;
  /** host:port */
  readonly endpoint: string;
  readonly http?: boolean;
  /** Items a second of all workers together. */
  readonly rate: number;
  readonly seconds: number;
  /** Sets the series of one run apart from those of another. */
  readonly name?: string;
  readonly more?: readonly string[];
}

/** Sends for `seconds`. Throws with what telemetrygen said when it does not end well. */
export async function generate(load: Load): Promise<Sent> {
  const { signal } = load;
  const started = performance.now();
  const outputs =
    signal === 'metrics'
      ? await Promise.all(
          Array.from({ length: METRIC_SERIES }, (_, index) =>
            run(load, 1, load.rate / METRIC_SERIES, [
              '--otlp-metric-name',
              load.name ?? 'gen',
              '--telemetry-attributes',
              `generator=${index}`,
              // Refused points are told by it and do not end it.
              '--allow-export-failures',
            ]),
          ),
        )
      : [await run(load, WORKERS, load.rate / WORKERS, [])];
  const seconds = (performance.now() - started) / 1_000;
  const output = outputs.join('\n');
  const made = outputs.reduce((sum, each) => sum + madeBy(each, signal), 0);
  return { items: signal === 'traces' ? made * 2 : made, seconds, output };
}

/** The items that one process says it made. One that says nothing is an error: it would count as none. */
function madeBy(output: string, signal: Signal): number {
  const count = new RegExp(`"${signal}": (\\d+)`, 'g');
  if (!count.test(output)) throw new Error(`telemetrygen does not say how many ${signal} it made\n${output}`);
  return sumOf(output, new RegExp(count));
}

/** The sum of all numbers that `pattern` captures. */
export function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** `rate`: items a second of each worker. */
async function run(load: Load, workers: number, rate: number, more: readonly string[]): Promise<string> {
  const { signal, endpoint, http = false, seconds } = load;
  await using generator = startProgram(
    neededProgram('telemetrygen'),
    [
      signal,
      '--otlp-endpoint',
      endpoint,
      '--otlp-insecure',
      '--workers',
      String(workers),
      '--rate',
      String(rate),
      '--duration',
      `${seconds}s`,
      '--batch-size',
      String(BATCH),
      ...(http ? ['--otlp-http'] : []),
      ...more,
      ...(load.more ?? []),
    ],
    // The SDK drops what does not fit its queue and says nothing.
    { env: { OTEL_BSP_MAX_QUEUE_SIZE: '200000' } },
  );
  const code = await generator.exited;
  // The count is the last thing it writes, and it may be read after the process has ended.
  await generator.closed;
  const output = generator.output();
  if (code !== 0) throw new Error(`telemetrygen ended with ${code}\n${output}`);
  return output;
}

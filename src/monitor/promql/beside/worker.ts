/**
 * The thread that runs heavy queries: the whole engine, over samples that the main thread sends. The thread has a low
 * priority and a limited heap of its own. The main thread stops it when a query does not end in time.
 */
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { QueryResult } from '../../../model/ports.ts';
import { embeddedQuerier, type EmbeddedOptions } from '../embedded.ts';
import type { ToMain, ToWorker } from './messages.ts';
import { toWire } from './messages.ts';
import { headOf, packSeries, partsOf, resultSeries, transferOf } from './packing.ts';
import { SentSource } from './sent-source.ts';

/** Linux gives each thread its own priority. On other systems the call would change the whole process. */
if (process.platform === 'linux') setPriority(0, 10);

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');

const send = (message: ToMain, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
const source = new SentSource(send);
const querier = embeddedQuerier(source, workerData as EmbeddedOptions);
const running = new Map<number, AbortController>();

async function run({ query, job }: Extract<ToWorker, { kind: 'run' }>): Promise<void> {
  const abort = new AbortController();
  running.set(query, abort);
  const { expr, startMs, endMs, stepMs, timeoutMs, lookbackMs, stats } = job;
  const options = { signal: abort.signal, timeoutMs, lookbackMs, stats };
  try {
    const result =
      stepMs === undefined
        ? await querier.instant(expr, endMs, options)
        : await querier.range(expr, startMs, endMs, stepMs, options);
    sendResult(query, result);
  } catch (error) {
    send({ kind: 'failed', query, error: toWire(error) });
  } finally {
    running.delete(query);
  }
}

function sendResult(query: number, { value, warnings, infos, stats, read }: QueryResult): void {
  for (const part of partsOf(resultSeries(value))) {
    const packed = packSeries(part);
    send({ kind: 'part', query, part: packed }, transferOf(packed));
  }
  send({ kind: 'done', query, head: headOf(value), warnings, infos, stats, read });
}

port.on('message', (message: ToWorker) => {
  if (message.kind === 'run') void run(message);
  else if (message.kind === 'cancel') running.get(message.query)?.abort();
  else source.receive(message);
});

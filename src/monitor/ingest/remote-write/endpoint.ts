/**
 * `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0. When some samples can never be stored, the answer is 400 with a
 * sentence, as in Prometheus, after the others were stored; for samples that may be stored later it is 503.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../../base/errors.ts';
import type { Answer, Endpoint } from '../request/endpoint.ts';
import { errorHead } from '../request/endpoint.ts';
import type { Intake, Outcome } from '../request/intake.ts';
import { inSteps, type Steps } from '../request/steps.ts';
import { refuseIfNothingKept } from '../otlp/receiver.ts';
import { publicMessage } from '../otlp/responses.ts';
import { RejectionTally, rejectionText } from '../checks/rejections.ts';
import type { BodyLimits } from '../request/body.ts';
import { eachChunk } from '../request/body.ts';
import type { Arrival } from '../request/arrivals.ts';
import type { ByteLease } from '../request/byte-budget.ts';
import { readWriteRequestV1, readWriteRequestV2 } from './requests.ts';
import { declaredLength, decodeSnappy } from './snappy.ts';
import { WriteSeriesCache } from './write-series.ts';
import { WriteSteps } from './write-steps.ts';

const MAX_CACHED_SERIES = 200_000;
/** Samples that are stored at once: some ten milliseconds. */
const PART = 5_000;
const V2 = 'io.prometheus.write.v2.request';
const V1 = 'prometheus.writerequest';

export function remoteWriteEndpoint(intake: Intake, limits: BodyLimits): Endpoint {
  const cache = new WriteSeriesCache(intake.sinks.samples, intake.labels, MAX_CACHED_SERIES);
  return {
    async answer(request, lease): Promise<Answer> {
      const version = versionOf(request);
      using arrival = intake.arrivals.of(request.socket.remoteAddress ?? '');
      const block = await readBlock(request, limits, lease, arrival);
      await arrival.turn();
      if (intake.turns.due) await intake.turns.next();
      const body = await inSteps(intake.turns, decodeSnappy(block, limits.maxDecompressedBytes));
      cache.begin();
      const steps = new WriteSteps(cache, intake.times, intake.clock.now());
      const outcome = await stored(
        intake,
        steps,
        version === 2 ? readWriteRequestV2(body, steps) : readWriteRequestV1(body, steps),
      );
      refuseIfNothingKept(outcome);
      const headers = version === 2 ? writtenHeaders(steps, outcome.accepted) : {};
      if (outcome.rejected.length === 0) return { status: 204, headers, body: '' };
      return textAnswer(400, rejectionText(outcome.rejected), headers);
    },
    refuse(error): Answer {
      const { status, headers } = errorHead(error);
      return textAnswer(status, publicMessage(error), headers);
    },
  };
}

/**
 * Reads and stores in parts, with a turn of the event loop between them. What is malformed behind the first part ends the
 * request with its error; the parts before it are kept.
 */
async function stored(intake: Intake, steps: WriteSteps, work: Steps<void>): Promise<Outcome> {
  const tally = new RejectionTally();
  let accepted = 0;
  for (;;) {
    const done = work.next().done === true;
    if (done || steps.pending >= PART || intake.turns.due) {
      const part = steps.take();
      const outcome = await intake.samples(part.columns, part.items, part.tally, 'remote_write');
      accepted += outcome.accepted;
      tally.addAll(outcome.rejected);
      if (done) return { accepted, rejected: tally.list() };
      if (intake.turns.due) await intake.turns.next();
      steps.cache.begin();
    }
  }
}

function textAnswer(status: number, message: string, headers: Readonly<Record<string, string>>): Answer {
  return { status, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' }, body: `${message}\n` };
}

/** Refused items are counted as floats first, because the sink does not say which items it refused. */
function writtenHeaders(steps: WriteSteps, accepted: number): Record<string, string> {
  const histograms = Math.min(steps.histograms, accepted);
  return {
    'X-Prometheus-Remote-Write-Samples-Written': String(accepted - histograms),
    'X-Prometheus-Remote-Write-Histograms-Written': String(histograms),
    'X-Prometheus-Remote-Write-Exemplars-Written': String(steps.exemplars),
  };
}

/** By the `proto` parameter of the Content-Type; without it, or without a Content-Type, it is version 1. */
function versionOf(request: IncomingMessage): 1 | 2 {
  const encoding = (request.headers['content-encoding'] ?? 'snappy').trim().toLowerCase();
  if (encoding !== 'snappy') {
    throw new VitrineError(
      'unsupported_media_type',
      'remote write is snappy-compressed: set Content-Encoding to snappy',
    );
  }
  const [type, ...parameters] = (request.headers['content-type'] ?? 'application/x-protobuf').toLowerCase().split(';');
  if (type.trim() !== 'application/x-protobuf') {
    throw new VitrineError('unsupported_media_type', 'the Content-Type is not application/x-protobuf');
  }
  const proto = parameters.map(protoOf).find(Boolean);
  if (proto === undefined || proto === V1) return 1;
  if (proto === V2) return 2;
  throw new VitrineError(
    'unsupported_media_type',
    'the message is neither prometheus.WriteRequest nor io.prometheus.write.v2.Request',
  );
}

/** The value of `proto=value` or `proto="value"`; undefined for another parameter. */
function protoOf(parameter: string): string | undefined {
  const at = parameter.indexOf('=');
  if (at < 0 || parameter.slice(0, at).trim() !== 'proto') return undefined;
  const value = parameter.slice(at + 1).trim();
  return value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
}

/** The compressed body; the memory of the decompressed one is reserved too. */
async function readBlock(
  request: IncomingMessage,
  limits: BodyLimits,
  lease: ByteLease,
  arrival: Arrival,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const keep = (chunk: Buffer): void => {
    lease.take(chunk.length);
    chunks.push(chunk);
  };
  await eachChunk(request, limits, keep, { encoding: '', whole: () => arrival.whole() });
  const block = Buffer.concat(chunks);
  const { length } = declaredLength(block);
  if (length <= limits.maxDecompressedBytes) lease.take(length);
  return block;
}

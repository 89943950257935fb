/** OTLP/HTTP (opentelemetry.io/docs/specs/otlp): the answer has the request's encoding, errors are google.rpc.Status. */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../../base/errors.ts';
import type { Answer, Endpoint } from '../request/endpoint.ts';
import { errorHead, mediaType } from '../request/endpoint.ts';
import type { Signal } from '../checks/counters.ts';
import type { Intake } from '../request/intake.ts';
import type { BodyLimits } from '../request/body.ts';
import { readBody } from '../request/body.ts';
import { receive } from './receiver.ts';
import type { OtlpEncoding } from './responses.ts';
import { statusBody } from './responses.ts';

const TYPES: Readonly<Record<OtlpEncoding, string>> = { protobuf: 'application/x-protobuf', json: 'application/json' };

function encodingOf(request: IncomingMessage): OtlpEncoding | undefined {
  const type = mediaType(request);
  if (type === TYPES.protobuf) return 'protobuf';
  return type === TYPES.json ? 'json' : undefined;
}

export function otlpEndpoint(intake: Intake, signal: Signal, limits: BodyLimits): Endpoint {
  return {
    async answer(request, lease): Promise<Answer> {
      const encoding = encodingOf(request);
      if (encoding === undefined) {
        throw new VitrineError(
          'unsupported_media_type',
          'the Content-Type is neither application/x-protobuf nor application/json',
        );
      }
      // Of spans and log records, which carry their own order, several requests of a sender are taken at once.
      using arrival = signal === 'metrics' ? intake.arrivals.of(request.socket.remoteAddress ?? '') : undefined;
      const body = await readBody(request, limits, lease, arrival);
      await arrival?.turn();
      const response = await receive(intake, signal, encoding, body, 'otlp_http');
      return { status: 200, headers: { 'Content-Type': TYPES[encoding] }, body: response };
    },
    refuse(error, request): Answer {
      const encoding = encodingOf(request) ?? 'json';
      const { status, headers } = errorHead(error);
      return { status, headers: { ...headers, 'Content-Type': TYPES[encoding] }, body: statusBody(error, encoding) };
    },
  };
}

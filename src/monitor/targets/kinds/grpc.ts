/**
 * gRPC: `grpc.health.v1.Health/Check` over HTTP/2. One message out and one in, so they are written here byte by byte
 * (health.proto: request field 1 `service`, answer field 1 `status`).
 */
import http2 from 'node:http2';
import type { CheckContext, CheckReport, GrpcSpec } from '../check.ts';
import { dial } from '../net/dial.ts';
import { CheckFailure, Progress, sentenceOf } from '../net/progress.ts';
import { tlsSeries } from '../net/tls-facts.ts';
import { commonSeries } from './series.ts';

const STATUSES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;
const MAX_ANSWER_BYTES = 64 * 1024;

interface Health {
  /** Undefined: no answer. */
  serving: number | undefined;
  code: number;
}

function requestBytes(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** The field `status` of the answer; proto3 leaves the value 0 out. */
function servingOf(bytes: Buffer): number {
  const message = bytes.subarray(5, 5 + (bytes.length >= 5 ? bytes.readUInt32BE(1) : 0));
  return message.length >= 2 && message[0] === 0x08 ? message[1] : 0;
}

async function ask(spec: GrpcSpec, context: CheckContext, progress: Progress, health: Health): Promise<void> {
  const tls = spec.tls === undefined ? undefined : { ...spec.tls, alpn: ['h2'] };
  const socket = await dial({ ...spec, tls }, context, progress);
  const scheme = spec.tls === undefined ? 'http' : 'https';
  const session = http2.connect(`${scheme}://${spec.host.includes(':') ? `[${spec.host}]` : spec.host}:${spec.port}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  context.signal.addEventListener('abort', () => reject(context.signal.reason as Error), { once: true });
  session.on('error', reject);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'vitrine-check (synthetic)',
      baggage: 'synthetic=true',
      traceparent: context.traceparent,
      'grpc-timeout': `${Math.max(1, context.timeoutMs)}m`,
    });
    let bytes = Buffer.alloc(0);
    const noteStatus = (fields: http2.IncomingHttpHeaders): void => {
      const code = fields['grpc-status'];
      if (code !== undefined) health.code = Number(code);
    };
    stream.on('response', noteStatus);
    stream.on('trailers', noteStatus);
    stream.on('error', reject);
    stream.on('data', (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      if (bytes.length > MAX_ANSWER_BYTES) reject(new CheckFailure('The answer is too long.'));
    });
    stream.on('close', () => {
      if (health.code === 0 && bytes.length >= 5) health.serving = servingOf(bytes);
      resolve();
    });
    stream.end(requestBytes(spec.service));
    await promise;
  } finally {
    session.destroy();
    socket.destroy();
  }
}

function reasonOf({ serving, code }: Health): string {
  if (serving === 1) return '';
  if (serving !== undefined) return `The service is ${STATUSES[serving] ?? serving}.`;
  return code === 5 ? 'The service is not known to the server.' : `The call ended with gRPC status ${code}.`;
}

export async function checkGrpc(spec: GrpcSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const health: Health = { serving: undefined, code: UNAVAILABLE };
  let reason: string;
  try {
    await ask(spec, context, progress, health);
    reason = reasonOf(health);
  } catch (error) {
    if (context.signal.aborted) health.code = DEADLINE_EXCEEDED;
    reason = sentenceOf(error, context.timeoutMs, context.signal);
  }
  if (progress.address !== '') progress.end('processing');
  const { phases } = progress;
  const check = (phases.connect ?? 0) + (phases.tls ?? 0) + (phases.processing ?? 0);
  return {
    success: reason === '',
    reason,
    phases,
    series: [
      ...commonSeries(progress),
      { name: 'probe_grpc_duration_seconds', labels: { phase: 'resolve' }, value: phases.resolve ?? 0 },
      ...(progress.address === ''
        ? []
        : [{ name: 'probe_grpc_duration_seconds', labels: { phase: 'check' }, value: check }]),
      ...STATUSES.map((serving_status, at) => ({
        name: 'probe_grpc_healthcheck_response',
        labels: { serving_status },
        value: health.serving === at ? 1 : 0,
      })),
      { name: 'probe_grpc_ssl', value: progress.tls === undefined ? 0 : 1 },
      { name: 'probe_grpc_status_code', value: health.code },
      ...(progress.tls === undefined
        ? [{ name: 'probe_ssl_earliest_cert_expiry', value: 0 }]
        : tlsSeries(progress.tls).filter(({ name }) => GRPC_TLS.has(name))),
    ],
    evidence: {
      sent: `grpc.health.v1.Health/Check of "${spec.service}" at ${spec.host}:${spec.port}`,
      address: progress.address,
      status: health.code,
      certificate: progress.certificate,
    },
  };
}

const GRPC_TLS = new Set(['probe_ssl_earliest_cert_expiry', 'probe_tls_version_info']);

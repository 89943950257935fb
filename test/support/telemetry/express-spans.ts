/** Spans of a real Express service under OpenTelemetry's own SDK and instrumentations, as its exporter sends them. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { SpanRecord } from '../../../src/model/records.ts';
import { until } from '../until.ts';
import { decodeTraces } from './decoders.ts';

const APP = path.resolve(import.meta.dirname, '../../telemetry/fixtures/apps/express-hello.cjs');
const CONNECTIONS = 8;

/** Spans of `requests` requests. */
export async function expressSpans(requests: number): Promise<SpanRecord[]> {
  const spans: SpanRecord[] = [];
  const collector = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...decodeTraces(Buffer.concat(chunks)));
      response.end();
    });
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const child = fork(APP, {
    env: {
      PATH: process.env['PATH'],
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      // More than all spans: the processor drops what does not fit.
      OTEL_BSP_MAX_QUEUE_SIZE: String(requests * 16),
      OTEL_BSP_SCHEDULE_DELAY: '200',
      OTEL_NODE_RESOURCE_DETECTORS: 'env,host,process',
    },
    execArgv: ['--import', '@opentelemetry/auto-instrumentations-node/register'],
  });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let next = 0;
  const ask = async (): Promise<void> => {
    for (let at = next++; at < requests; at = next++) {
      const answer = http.get({ port, host: '127.0.0.1', path: `/hello/${at % 997}`, agent });
      const [response] = (await once(answer, 'response')) as [http.IncomingMessage];
      await once(response.resume(), 'end');
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, ask));
  const served = (): number => spans.filter(({ kind }) => kind === 'server').length;
  await until(
    () => Promise.resolve(served() >= requests || undefined),
    30_000,
    () => `${served()} of ${requests} requests have come as spans`,
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  agent.destroy();
  collector.close();
  return spans;
}

/** `vitrine query` for a metric that is not there: the answer is empty, and the message names the one that was meant. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/program.ts';
import { embeddedMetrics, type EmbeddedMetrics } from '../support/promql/querier-data.ts';
import { remoteWrite } from '../support/telemetry/remote-write.ts';

const streams = [process.stdout, process.stderr] as const;
const originals = streams.map((stream) => stream.write.bind(stream));
let metrics: EmbeddedMetrics;
let err = '';

beforeEach(async () => {
  metrics = await embeddedMetrics();
  const samples = [{ t: Date.now() - 1_000, v: 0 }];
  for (const __name__ of ['http_requests_total', 'process_cpu_seconds_total'])
    await remoteWrite(metrics.url, [{ labels: { __name__, job: 'a' }, samples }]);
  err = '';
  process.stdout.write = () => true;
  process.stderr.write = (text: string) => ((err += text), true);
});
afterEach(async () => {
  streams.forEach((stream, at) => (stream.write = originals[at]));
  await metrics[Symbol.asyncDispose]();
});

it.each([
  ['rate(http_request_total[1m])', 'There is no metric "http_request_total"; did you mean "http_requests_total"?\n'],
  [
    'sum(elephants) / sum(process_cpu_secnds_total)',
    'There is no metric "elephants".\nThere is no metric "process_cpu_secnds_total"; did you mean "process_cpu_seconds_total"?\n',
  ],
  ['http_requests_total{job="b"}', ''],
  ['http_requests_total > 5', ''],
  ['{job="b"}', ''],
])('says of %s what was meant', async (expr, message) => {
  expect(await runCommandLine(['query', expr, '--url', metrics.url])).toBe(0);
  expect(err).toBe(`No series match.\n${message}`);
});

it('asks nothing more when the answer is not empty, and shows control characters of warnings', async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    request.resume();
    const warnings = ['counter \u001b[2J\u202e reset'];
    response.end(JSON.stringify({ data: { resultType: 'scalar', result: [1, '2'] }, warnings }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await runCommandLine(['query', '1 + 1', '--url', `http://127.0.0.1:${port}`])).toBe(0);
  expect([asked, err]).toEqual([1, String.raw`counter \u001b[2J\u202e reset` + '\n']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

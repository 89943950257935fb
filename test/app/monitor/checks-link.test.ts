import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChecksLink } from '../../../src/app/monitor/checks-link.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { ScheduledResult } from '../../../src/monitor/targets/schedule/messages.ts';
import { httpSpec } from '../../monitor/targets/rig.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { until } from '../../support/until.ts';

const server = http.createServer((_request, response) => void response.end('good'));
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => void server.close());

test('the process is started with the first target or probe, sends results, and starts again when it was killed', async () => {
  const results: ScheduledResult[] = [];
  const link = new ChecksLink({
    allowPrivate: [],
    concurrency: 10,
    tracePrefix: 'abc',
    env: process.env,
    clock: systemClock,
    logger: recordingLogger(),
    onResults(batch) {
      results.push(...batch);
      return Promise.resolve();
    },
    onError() {},
  });
  try {
    link.replace([]);
    expect(link.pid, 'nothing to check').toBeUndefined();
    expect((await link.probe(httpSpec(url), 'file', 20_000)).success).toBe(true);
    expect((await link.probe(httpSpec(url), 'api', 20_000)).reason).toContain('loopback');
    const times = { intervalMs: 1_000, timeoutMs: 1_000, retryMs: 1_000, failures: 1 };
    link.replace([{ id: 'a', spec: httpSpec(url), origin: 'file', ...times }]);
    await until(() => results.length >= 2, 60_000);
    const { pid } = link;
    process.kill(pid ?? 0, 'SIGKILL');
    await until(() => link.pid !== pid, 60_000);
    const before = results.length;
    await until(() => results.length > before + 1, 60_000);
    expect(results.every(({ result }) => result.success && result.traceId.startsWith('abc'))).toBe(true);
  } finally {
    await link.close();
  }
}, 120_000);

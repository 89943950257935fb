/** From a figure that crosses its limit to the mail server, through a whole monitor: the mail carries the chart of the rule. */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startMonitor } from '../../../src/app/monitor/process.ts';
import { readSettings } from '../../../src/app/process/settings.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { HEIGHT, WIDTH } from '../../../src/monitor/alerts/notify/picture/chart-svg.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { readMail, smtpService, type SmtpService } from '../../support/alerts/smtp-service.ts';
import { freshDir } from '../../support/program.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const LIMIT_MS = 240_000;

/** A message that waited too long for its chart goes without it, so the messages are repeated. */
const routing = ({ address }: SmtpService): string => `
route: { receiver: ops, group_wait: 0s, group_interval: 1s, repeat_interval: 1s }
receivers:
  - name: ops
    email_configs: [{ to: ann@example.org, from: v@example.org, smarthost: '${address}', require_tls: false }]
`;
const CONFIG = `
notify: { file: ./alertmanager.yml }
alerts: [{ name: LongQueue, expr: 'queue_length > 5 and queue_length > 1', severity: critical }]
`;

async function send(otlp: string, value: number): Promise<void> {
  const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asInt: String(value) }];
  const metrics = [{ name: 'queue_length', gauge: { dataPoints } }];
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
  const body = JSON.stringify({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics }] }] });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${otlp}/v1/metrics`, { method: 'POST', headers, body });
  expect([answer.status, await answer.text()]).toEqual([200, '{}']);
}

function chartIn(raw: string): Buffer | undefined {
  const part = /Content-Type: image\/png[^]*?\r\n\r\n([\w+/=\r\n]+)/.exec(raw);
  return part === null ? undefined : Buffer.from(part[1], 'base64');
}

it('mails the chart of an alert that fires', { timeout: LIMIT_MS + 60_000 }, async () => {
  await using stack = new AsyncDisposableStack();
  const dir = freshDir('vitrine-mailed-chart');
  stack.defer(() => rmSync(dir, { recursive: true }));
  const smtp = stack.use(await smtpService());
  writeFileSync(path.join(dir, 'alertmanager.yml'), routing(smtp));
  writeFileSync(path.join(dir, 'vitrine.yaml'), CONFIG);
  const [listen, http, grpc] = await Promise.all([freePort(), freePort(), freePort()]);
  const env = {
    VITRINE_MONITOR__LISTEN: `127.0.0.1:${listen}`,
    VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${http}`,
    VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${grpc}`,
  };
  const fixed = { version: '0', clock: systemClock, logger: silentLogger };
  const off = { OTEL_SDK_DISABLED: 'true' };
  const monitor = await startMonitor({
    ...fixed,
    settings: readSettings({ file: path.join(dir, 'vitrine.yaml'), env }),
    dataDir: path.join(dir, 'data'),
    testMode: false,
    telemetry: await startTelemetry({
      serviceName: 'vitrine-monitor',
      instanceId: 'test',
      env: off,
      logger: silentLogger,
    }),
  });
  stack.defer(async () => expect(await monitor.close()).toEqual([]));

  await send(`http://127.0.0.1:${http}`, 7);
  const found = await until(() => smtp.mails.find(({ raw }) => chartIn(raw) !== undefined), LIMIT_MS);
  const png = chartIn(found.raw) ?? Buffer.alloc(0);
  expect(png.subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([WIDTH, HEIGHT]);
  const { text } = readMail(found.raw);
  expect(text).toContain('LongQueue');
  expect(text).toMatch(/alt="Chart of LongQueue: 7 \(limit &gt; 5\), since 20/);
});

import { describe, expect, it } from 'vitest';
import { alertmanager } from '../../../../../src/monitor/alerts/notify/receivers/alertmanager.ts';
import { consoleKind } from '../../../../../src/monitor/alerts/notify/receivers/console.ts';
import { httpKind } from '../../../../../src/monitor/alerts/notify/receivers/webhook.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService } from '../../../../support/alerts/http-service.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';
import { recordingLogger } from '../../../../support/recording-logger.ts';

receiverSuite({
  name: 'alertmanager',
  // A resolved alert is one with an end.
  service: () => overHttp((body) => body.replace('"endsAt"', '"resolved at"')),
  make: ({ http }, tools) =>
    alertmanager.create(alertmanager.schema.parse({ url: http.url, http_config: { bearer_token: SECRET } }), tools),
  maxBytes: 2 * 1024 * 1024,
});

receiverSuite({
  name: 'http',
  service: () => overHttp((body) => body),
  make: ({ http }, tools) =>
    httpKind.create(
      httpKind.schema.parse({ url: `${http.url}/${SECRET}`, method: 'PUT', headers: { 'x-team': 'pay' } }),
      tools,
    ),
  maxBytes: 2 * 1024 * 1024,
});

describe('our own kinds', () => {
  const signal = new AbortController().signal;

  it('pass alerts on with their times', async () => {
    await using service = await httpService();
    const receiver = alertmanager.create(alertmanager.schema.parse({ url: `${service.url}/am/` }), receiverTools());
    const ended = notifiedAlert({ status: 'resolved', endsAtMs: Date.UTC(2026, 10, 30, 13) });
    await receiver.send(notification({ alerts: [notifiedAlert(), ended] }), signal);
    const [request] = service.requests;
    expect(request?.path).toBe('/am/api/v2/alerts');
    const alerts = JSON.parse(request?.body ?? '') as { endsAt?: string; labels: { alertname: string } }[];
    expect(alerts.map(({ endsAt, labels }) => [labels.alertname, endsAt])).toEqual([
      ['ErrorRate', undefined],
      ['ErrorRate', '2026-11-30T13:00:00.000Z'],
    ]);
  });

  it('send by another method and with headers', async () => {
    await using service = await httpService();
    const entry = httpKind.schema.parse({ url: service.url, method: 'PUT', headers: { 'x-team': 'pay' } });
    await httpKind.create(entry, receiverTools()).send(notification(), signal);
    expect(service.requests[0]).toMatchObject({
      method: 'PUT',
      headers: { 'x-team': 'pay', 'content-type': 'application/json' },
    });
  });

  it('write a line on the console', async () => {
    const logger = recordingLogger();
    const receiver = consoleKind.create(consoleKind.schema.parse({}), { ...receiverTools(), logger });
    expect(await receiver.send(notification(), signal)).toEqual({ kind: 'delivered' });
    expect(logger.lines).toMatchObject([
      { level: 'warn', message: 'NOTIFICATION firing ErrorRate: checkout fails 12 % of its requests' },
    ]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Receiver } from '../../../../../src/monitor/alerts/notify/notification.ts';
import { webhook } from '../../../../../src/monitor/alerts/notify/receivers/webhook.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService, type HttpService } from '../../../../support/alerts/http-service.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';

const make = (entry: Record<string, unknown>): Receiver => webhook.create(webhook.schema.parse(entry), receiverTools());
const now = (): AbortSignal => new AbortController().signal;

receiverSuite({
  name: 'webhook',
  service: () => overHttp((body) => body),
  make: (service, tools) => {
    const entry = {
      url: `${service.http.url}/hook/${SECRET}`,
      http_config: { authorization: { credentials: SECRET } },
    };
    return webhook.create(webhook.schema.parse(entry), tools);
  },
  maxBytes: 2 * 1024 * 1024,
});

describe('webhook', () => {
  let service: HttpService;
  let dir: string | undefined;
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    if (dir !== undefined) rmSync(dir, { recursive: true });
    dir = undefined;
  });

  it('sends the payload of version 4', async () => {
    service = await httpService();
    await make({ url: service.url }).send(notification({ routeLabels: { team: 'pay' } }), now());
    const [request] = service.requests;
    expect(request?.method).toBe('POST');
    expect(request?.headers['content-type']).toBe('application/json');
    expect(JSON.parse(request?.body ?? '')).toEqual({
      receiver: 'ops',
      status: 'firing',
      alerts: [
        {
          status: 'firing',
          labels: { alertname: 'ErrorRate', service: 'checkout', severity: 'critical' },
          annotations: { summary: 'checkout fails 12 % of its requests' },
          startsAt: '2026-11-30T12:00:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: 'http://127.0.0.1:4000/alerts/rules',
          fingerprint: '0f0f0f0f0f0f0f0f',
        },
      ],
      notification_reason: 'first notification',
      groupLabels: { alertname: 'ErrorRate' },
      commonLabels: { alertname: 'ErrorRate', service: 'checkout', severity: 'critical' },
      commonAnnotations: { summary: 'checkout fails 12 % of its requests' },
      routeLabels: { team: 'pay' },
      externalURL: 'http://127.0.0.1:4000',
      version: '4',
      groupKey: '{}:{alertname="ErrorRate"}',
      truncatedAlerts: 0,
    });
  });

  it('says of a list that is cut the status and the labels of what is left, as Alertmanager does', async () => {
    await using service = await httpService();
    const alerts = [
      notifiedAlert({ labels: { alertname: 'A', i: '1' }, status: 'resolved', endsAtMs: 1 }),
      notifiedAlert({ labels: { alertname: 'A', i: '2' } }),
    ];
    const about = notification({ alerts, commonLabels: { alertname: 'A' } });
    await make({ url: service.url, max_alerts: '1' }).send(about, now());
    expect(JSON.parse(service.requests[0]?.body ?? '')).toMatchObject({
      status: 'resolved',
      commonLabels: { alertname: 'A', i: '1' },
      truncatedAlerts: 1,
    });
  });

  it('cuts the list at max_alerts and says how many are missing', async () => {
    service = await httpService();
    const alerts = ['a', 'b', 'c'].map((host) => notifiedAlert({ labels: { alertname: 'Down', host } }));
    await make({ url: service.url, max_alerts: '2' }).send(notification({ alerts }), now());
    const body = JSON.parse(service.requests[0]?.body ?? '') as { alerts: unknown[]; truncatedAlerts: number };
    expect([body.alerts.length, body.truncatedAlerts]).toEqual([2, 1]);
  });

  it('expands templates in the URL and in every text of the payload', async () => {
    service = await httpService();
    const payload = { '{{ .Status }}': ['{{ len .Alerts }}', { all: '{{ toJson .CommonLabels }}' }], fixed: 5 };
    await make({ url: `${service.url}/{{ .GroupLabels.alertname }}`, payload }).send(notification(), now());
    expect(service.requests[0]?.path).toBe('/ErrorRate');
    expect(JSON.parse(service.requests[0]?.body ?? '')).toEqual({
      firing: ['1', { all: { alertname: 'ErrorRate', service: 'checkout', severity: 'critical' } }],
      fixed: 5,
    });
  });

  it('does not try again when a template fails', async () => {
    service = await httpService();
    const sent = await make({ url: service.url, payload: { a: '{{ .Nothing }}' } }).send(notification(), now());
    expect(sent).toMatchObject({ kind: 'failed', retry: false });
    expect(service.requests).toEqual([]);
  });

  it('reads url_file, credentials and headers at each sending', async () => {
    service = await httpService();
    dir = mkdtempSync(path.join(os.tmpdir(), 'vitrine-'));
    const [url, password, token] = ['url', 'password', 'token'].map((name) => path.join(dir as string, name));
    writeFileSync(url, `${service.url}/from-file\n`);
    writeFileSync(password, 'first\n');
    writeFileSync(token, 'in file\r\nx: y\n');
    const receiver = make({
      url_file: url,
      http_config: {
        basic_auth: { username: 'me', password_file: password },
        http_headers: { 'X-Team': { values: ['a'], secrets: ['b'], files: [token] } },
      },
    });
    await receiver.send(notification(), now());
    writeFileSync(password, 'second\n');
    await receiver.send(notification(), now());
    expect(service.requests.map(({ path: at, headers }) => [at, headers['authorization'], headers['x-team']])).toEqual([
      ['/from-file', `Basic ${Buffer.from('me:first').toString('base64')}`, 'a, b, in file x: y'],
      ['/from-file', `Basic ${Buffer.from('me:second').toString('base64')}`, 'a, b, in file x: y'],
    ]);
  });

  it('fails without a try for a file that does not exist', async () => {
    service = await httpService();
    const sent = await make({ url_file: '/nowhere/url' }).send(notification(), now());
    expect(sent).toMatchObject({ kind: 'failed', message: 'The message could not be made (ENOENT).' });
  });

  it.each([
    [{}, 'one of url and url_file must be configured'],
    [{ url: 'http://a/', url_file: 'x' }, 'at most one of url and url_file must be configured'],
    [{ url: 'ftp://a/' }, 'a URL like'],
    [{ url: 'http://a/', http_config: { bearer_token: 'x', basic_auth: {} } }, 'at most one of basic_auth'],
    [{ url: 'http://a/', http_config: { authorization: { type: 'Basic' } } }, 'use basic_auth instead'],
    [{ url: 'http://a/', send_resolved: 'maybe' }, 'true or false'],
    [{ url: 'http://a/', max_alerts: '-1' }, 'a whole number'],
    [{ url: 'http://a/', timeout: '5 minutes' }, 'a duration'],
  ])('refuses %j', async (entry, expected) => {
    service = await httpService();
    const read = webhook.schema.safeParse(entry);
    expect(JSON.stringify(read.error?.issues)).toContain(expected);
  });
});

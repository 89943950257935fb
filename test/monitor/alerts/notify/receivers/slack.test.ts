import { afterEach, describe, expect, it } from 'vitest';
import { readNotifyFile } from '../../../../../src/monitor/alerts/notify/file/read.ts';
import type { Receiver } from '../../../../../src/monitor/alerts/notify/notification.ts';
import { slack } from '../../../../../src/monitor/alerts/notify/receivers/slack.ts';
import { RECEIVER_KINDS } from '../../../../../src/monitor/alerts/notify/receivers/table.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService, type HttpService } from '../../../../support/alerts/http-service.ts';
import { slackShape } from '../../../../support/alerts/service-shapes.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';
import { recordingLogger } from '../../../../support/recording-logger.ts';

const make = (entry: Record<string, unknown>, tools = receiverTools()): Receiver =>
  slack.create(slack.schema.parse(entry), tools);
const now = (): AbortSignal => new AbortController().signal;
const textOf = (body: string): string => JSON.stringify(JSON.parse(body));
const RESOLVED = notifiedAlert({ status: 'resolved', endsAtMs: Date.UTC(2026, 10, 30, 12, 20, 0) });

receiverSuite({
  name: 'slack webhook',
  service: () => overHttp(textOf, { kind: 'answer', status: 200, body: 'ok' }, slackShape),
  make: (service, tools) =>
    slack.create(
      slack.schema.parse({ api_url: `${service.http.url}/services/${SECRET}`, send_resolved: 'true' }),
      tools,
    ),
  maxBytes: 40_000,
});

receiverSuite({
  name: 'slack API',
  service: () =>
    overHttp(textOf, { kind: 'answer', status: 200, body: '{"ok":true,"ts":"1.2","channel":"C1"}' }, slackShape),
  make: (service, tools) => {
    const entry = { app_token: SECRET, app_url: `${service.http.url}/api/chat.postMessage`, channel: '#ops' };
    return slack.create(slack.schema.parse(entry), tools);
  },
  maxBytes: 40_000,
});

interface Sent {
  readonly channel?: string;
  readonly ts?: string;
  readonly username?: string;
  readonly text?: string;
  readonly attachments: readonly Record<string, unknown>[];
}

describe('slack', () => {
  let service: HttpService;
  afterEach(() => service[Symbol.asyncDispose]());
  const sent = (at = 0): Sent => JSON.parse(service.requests[at]?.body ?? '') as Sent;
  const api = (body: string): void => service.behave({ kind: 'answer', status: 200, body });
  const bot = (more: Record<string, unknown> = {}, tools = receiverTools()): Receiver =>
    make({ app_token: SECRET, app_url: `${service.url}/api/chat.postMessage`, channel: '#ops', ...more }, tools);

  it('shows the facts, with channel, name and colour', async () => {
    service = await httpService();
    await make({ api_url: service.url, channel: '#ops', username: 'Watch' }).send(notification(), now());
    expect(sent()).toMatchObject({ channel: '#ops', username: 'Watch' });
    const [attachment] = sent().attachments;
    expect(attachment).toMatchObject({ color: 'danger' });
    const text = JSON.stringify(attachment?.['blocks']);
    for (const fact of [
      '*<http://127.0.0.1:4000/alerts/0f0f0f0f0f0f0f0f|[FIRING:1] ErrorRate (checkout critical)>*',
      'checkout fails 12 % of its requests (0.12, limit &gt; 0.1)',
      '*Threshold*\\n&gt; 0.1',
      '|2026-11-30 12:00:00 UTC>',
      'card declined: upstream timed out',
      '/traces/4bf92f3577b34da6a3ce929d0e0e4736|POST /pay> (failed, 2300 ms)',
      '?silence=new',
      'https://example.org/runbooks/errors',
    ])
      expect(text).toContain(fact);
  });

  it('has only fields that Slack documents, and fields as configured', async () => {
    service = await httpService();
    const fields = [{ title: 'Who', value: '{{ .CommonLabels.service }}' }];
    await make({ api_url: service.url, fields, short_fields: 'true', link_names: 'true', message_text: 'look' }).send(
      notification(),
      now(),
    );
    expect(Object.keys(sent()).toSorted()).toEqual(['attachments', 'link_names', 'text', 'username']);
    expect(sent().attachments[0]?.['fields']).toEqual([{ title: 'Who', value: 'checkout', short: true }]);
    slackShape(service.requests[0]);
    expect(Object.keys(sent().attachments[0] ?? {}).toSorted()).toEqual(
      ['color', 'fallback', 'fields', 'mrkdwn_in', 'text', 'title', 'title_link'].toSorted(),
    );
  });

  it('lets no label call everybody', async () => {
    service = await httpService();
    const alert = notifiedAlert({ labels: { alertname: '<!channel>' }, summary: '<!here> & <https://e.org|x>' });
    const about = notification({ alerts: [alert], groupLabels: { alertname: '<!channel>' } });
    await make({ api_url: service.url, pretext: '<!subteam^S1> {{ .GroupLabels.alertname }}' }).send(about, now());
    expect(sent().attachments[0]?.['pretext']).toBe('<!subteam^S1> &lt;!channel&gt;');
    expect(service.requests[0]?.body).not.toMatch(/<!(?:channel|here)>|<https/);
  });

  it('lists ten alerts and says how many more there are, with who works on them', async () => {
    service = await httpService();
    const alerts = Array.from({ length: 12 }, (_one, at) =>
      notifiedAlert({ summary: `s${at} \`x\` <a|b>`, acknowledgedBy: at === 0 ? 'Ann <a>' : undefined }),
    );
    await make({ api_url: service.url }).send(notification({ alerts }), now());
    slackShape(service.requests[0]);
    const text = service.requests[0]?.body ?? '';
    expect(text).toContain('acknowledged by Ann &lt;a&gt;');
    expect(text).toContain('s9 ');
    expect(text).not.toContain('s10 ');
    expect(text).toContain('… and 2 more');
  });

  it('puts the chart into the thread of the message, and never fails for it', async () => {
    const place = { ok: true, ts: '1.2', channel: 'C1', file_id: 'F1' };
    service = await httpService();
    api(JSON.stringify({ ...place, upload_url: `${service.url}/upload/secret` }));
    const picture = () => Promise.resolve({ png: Buffer.from('PNG'), alt: 'Chart of ErrorRate' });
    expect(await bot().send(notification({ picture }), now())).toMatchObject({ kind: 'delivered' });
    service.requests.forEach(slackShape);
    expect(service.requests.map(({ path }) => path)).toEqual([
      '/api/chat.postMessage',
      '/api/files.getUploadURLExternal',
      '/upload/secret',
      '/api/files.completeUploadExternal',
    ]);
    expect(service.requests[2]).toMatchObject({ body: 'PNG', headers: { 'content-type': 'image/png' } });
    expect(service.requests[2]?.headers['authorization']).toBeUndefined();
    expect(JSON.parse(service.requests[3]?.body ?? '')).toEqual({
      files: [{ id: 'F1', title: 'Chart of ErrorRate' }],
      channel_id: 'C1',
      thread_ts: '1.2',
    });
    api('{"ok":true,"ts":"1.2","channel":"C1","error":"missing_scope"}');
    expect(await bot().send(notification({ picture }), now())).toMatchObject({ kind: 'delivered' });
    expect(service.requests.at(-1)?.path).toBe('/api/files.getUploadURLExternal');
  });

  it('writes the step at which a chart failed into the log, and neither the token nor the address of the upload', async () => {
    service = await httpService();
    const logger = recordingLogger();
    const picture = () => Promise.resolve({ png: Buffer.from('PNG'), alt: 'Chart' });
    const place = { ts: '1.2', channel: 'C1', error: SECRET, upload_url: `${service.url}/upload/${SECRET}` };
    for (const answer of [{ ok: true }, { ok: true, file_id: 'F', upload_url: `http://127.0.0.1:1/${SECRET}` }]) {
      api(JSON.stringify({ ...place, ...answer }));
      await bot({}, { ...receiverTools(), logger }).send(notification({ picture }), now());
    }
    expect(logger.lines.map(({ fields }) => fields['step'])).toEqual(['files.getUploadURLExternal', 'upload']);
    expect(JSON.stringify(logger.lines)).not.toContain(SECRET);
  });

  it('updates the message of the API when all is resolved', async () => {
    service = await httpService({ kind: 'answer', status: 200, body: '{"ok":true,"ts":"17.5","channel":"C9"}' });
    const first = await bot().send(notification(), now());
    expect(first).toEqual({ kind: 'delivered', memory: { ts: '17.5', channel: 'C9' } });
    expect(service.requests[0]?.headers['authorization']).toBe(`Bearer ${SECRET}`);
    await bot().send(notification({ memory: { ts: '17.5', channel: 'C9' } }), now());
    await bot().send(notification({ alerts: [RESOLVED], memory: { ts: '17.5', channel: 'C9' } }), now());
    expect(service.requests.map(({ path }) => path)).toEqual([
      '/api/chat.postMessage',
      '/api/chat.postMessage',
      '/api/chat.update',
    ]);
    expect(sent(2)).toMatchObject({ ts: '17.5', channel: 'C9', attachments: [{ color: 'good' }] });
  });

  it('updates at every change or never, as configured, and sends anew when the message is gone', async () => {
    service = await httpService({ kind: 'answer', status: 200, body: '{"ok":true}' });
    const memory = { ts: '1', channel: 'C' };
    await bot({ update_message: 'true' }).send(notification({ memory }), now());
    await bot({ update_message: 'false' }).send(notification({ alerts: [RESOLVED], memory }), now());
    expect(service.requests.map(({ path }) => path)).toEqual(['/api/chat.update', '/api/chat.postMessage']);
    api('{"ok":false,"error":"message_not_found"}');
    await bot({ update_message: 'true' }).send(notification({ memory }), now());
    expect(service.requests.slice(2).map(({ path }) => path)).toEqual(['/api/chat.update', '/api/chat.postMessage']);
  });

  it.each([
    ['{"ok":false,"error":"invalid_auth"}', { retry: false, reason: 'authError' }],
    ['{"ok":false,"error":"ratelimited"}', { retry: true, reason: 'rateLimited' }],
    ['{"ok":false,"error":"internal_error"}', { retry: true, reason: 'serverError' }],
    ['{"ok":false,"error":"channel_not_found"}', { retry: false, reason: 'clientError' }],
    [`{"ok":false,"error":"${SECRET}"}`, { retry: false, message: 'Slack answered unknown_error.' }],
    ['<html>', { retry: true, reason: 'other' }],
  ])('reads the answer %s', async (body, expected) => {
    service = await httpService({ kind: 'answer', status: 200, body });
    expect(await bot().send(notification(), now())).toMatchObject({ kind: 'failed', ...expected });
  });

  it('takes addresses and tokens from global, but not beside its own', async () => {
    service = await httpService();
    const file = (global: string, entry: string): ReturnType<typeof readNotifyFile> =>
      readNotifyFile(
        `global: ${global}\nroute: { receiver: a }\nreceivers:\n- name: a\n  slack_configs: [${entry}]\n`,
        'am.yml',
        RECEIVER_KINDS,
      );
    const entryOf = (read: ReturnType<typeof readNotifyFile>): Record<string, unknown> =>
      read.config?.receivers.get('a')?.integrations[0]?.entry as Record<string, unknown>;
    expect(entryOf(file('{ slack_api_url: "http://g/" }', '{ channel: c }'))['api_url']).toBeDefined();
    expect(entryOf(file('{ slack_api_url_file: g }', '{ channel: c }'))['api_url_file']).toBe('g');
    const own = entryOf(file('{ slack_app_token: g }', '{ api_url: "http://own/" }'));
    expect([own['app_token'], String(own['api_url'])]).toEqual([undefined, '<secret>']);
    expect(file('{}', '{ channel: c }').issues[0]).toContain('api_url or api_url_file or app_token or app_token_file');
  });
});

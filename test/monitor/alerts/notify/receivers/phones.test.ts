/** The receivers that reach a telephone: ntfy and SMS. */
import { describe, expect, it } from 'vitest';
import { ntfy } from '../../../../../src/monitor/alerts/notify/receivers/ntfy.ts';
import { sms } from '../../../../../src/monitor/alerts/notify/receivers/sms.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService } from '../../../../support/alerts/http-service.ts';
import { ntfyShape, smsShape } from '../../../../support/alerts/service-shapes.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';

const now = (): AbortSignal => new AbortController().signal;
const SMS = { account_sid: 'AC123', auth_token: SECRET, from: 'Vitrine', to: '+491701234567', send_resolved: 'true' };

receiverSuite({
  name: 'ntfy',
  service: () => overHttp((body) => body, undefined, ntfyShape),
  make: (service, tools) =>
    ntfy.create(ntfy.schema.parse({ url: service.http.url, topic: 'ops', token: SECRET }), tools),
  maxBytes: 8_192,
});

receiverSuite({
  name: 'sms',
  service: () =>
    overHttp((body) => new URLSearchParams(body).get('Body') ?? '', { kind: 'answer', status: 201 }, smsShape),
  make: (service, tools) => sms.create(sms.schema.parse({ ...SMS, url: service.http.url }), tools),
  maxBytes: 4_096,
});

describe('ntfy', () => {
  it('publishes as JSON, with priority, tags and buttons', async () => {
    await using service = await httpService();
    const receiver = ntfy.create(
      ntfy.schema.parse({ url: service.url, topic: 'ops', token: SECRET, tags: ['pay'] }),
      receiverTools(),
    );
    await receiver.send(notification(), now());
    await receiver.send(notification({ alerts: [notifiedAlert({ status: 'resolved' })] }), now());
    const [first, last] = service.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(service.requests[0]?.headers['authorization']).toBe(`Bearer ${SECRET}`);
    expect(first).toMatchObject({
      topic: 'ops',
      title: '[FIRING:1] ErrorRate (checkout critical)',
      priority: 5,
      tags: ['rotating_light', 'pay'],
      click: 'http://127.0.0.1:4000/alerts/0f0f0f0f0f0f0f0f',
    });
    expect((first?.['actions'] as { label: string }[] | undefined)?.map(({ label }) => label)).toEqual([
      'Page',
      'Silence',
      'Runbook',
    ]);
    expect(last).toMatchObject({ priority: 3, tags: ['white_check_mark', 'pay'] });
  });

  it('keeps a message within 4096 bytes, and never cuts a character', async () => {
    await using service = await httpService();
    const receiver = ntfy.create(
      ntfy.schema.parse({ url: service.url, topic: 'ops', message: 'a{{ .Summary }}', priority: '1' }),
      receiverTools(),
    );
    await receiver.send(notification({ summary: '€'.repeat(5_000) }), now());
    const { message, priority } = JSON.parse(service.requests[0]?.body ?? '') as { message: string; priority: number };
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4_096);
    expect(message).toMatch(/^a€+…$/);
    expect(priority).toBe(1);
  });

  it('sends the picture as the file of the message, and the message alone where files are not taken', async () => {
    await using service = await httpService();
    const make = ntfy.create(ntfy.schema.parse({ url: service.url, topic: 'ops', token: SECRET }), receiverTools());
    const picture = () => Promise.resolve({ png: Buffer.from('PNG'), alt: 'Chart' });
    await make.send(notification({ picture }), now());
    expect(service.requests[0]).toMatchObject({ method: 'PUT', body: 'PNG' });
    const given = new URL(service.requests[0]?.path ?? '', service.url);
    expect(given.searchParams.get('message')).toContain('checkout fails 12 % of its requests\n');
    service.behave({ kind: 'answer', status: 400, body: '{"code":40014,"error":"attachments not allowed"}' });
    await make.send(notification({ picture }), now());
    // Too long for a URL.
    service.behave({ kind: 'answer', status: 200 });
    await make.send(notification({ picture, summary: 'ä\n'.repeat(2_000) }), now());
    service.requests.forEach(ntfyShape);
    expect(service.requests.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'POST', 'POST']);
  });

  it.each([
    [{ topic: 'a/b' }, 'a topic of letters'],
    [{ topic: 'a', priority: '6' }, 'a number from 1 to 5'],
  ])('refuses %j', (entry, expected) => {
    expect(JSON.stringify(ntfy.schema.safeParse(entry).error?.issues)).toContain(expected);
  });
});

describe('sms', () => {
  it('is one form with basic authentication', async () => {
    await using service = await httpService({ kind: 'answer', status: 201 });
    await sms.create(sms.schema.parse({ ...SMS, url: `${service.url}/` }), receiverTools()).send(notification(), now());
    const [request] = service.requests;
    expect(request?.path).toBe('/2010-04-01/Accounts/AC123/Messages.json');
    expect(request?.headers).toMatchObject({
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from(`AC123:${SECRET}`).toString('base64')}`,
    });
    const form = Object.fromEntries(new URLSearchParams(request?.body ?? ''));
    expect(Object.keys(form)).toEqual(['From', 'To', 'Body']);
    expect(form['Body']).toMatch(/^\[FIRING:1\] ErrorRate .* http:\/\/127\.0\.0\.1:4000\/alerts\//);
  });

  it('is one line of at most 320 characters', async () => {
    await using service = await httpService({ kind: 'answer', status: 201 });
    const entry = { ...SMS, url: service.url, message: '{{ .Summary }}' };
    const about = notification({ summary: `a\nb${'😀'.repeat(400)}` });
    await sms.create(sms.schema.parse(entry), receiverTools()).send(about, now());
    const body = new URLSearchParams(service.requests[0]?.body ?? '').get('Body') ?? '';
    expect(body.length).toBeLessThanOrEqual(320);
    expect(body).toMatch(/^a b(?:😀)+…$/u);
  });

  it.each([
    [{ ...SMS, to: '0170 1' }, 'a telephone number'],
    [{ ...SMS, account_sid: '../x' }, 'an account of'],
  ])('refuses %j', (entry, expected) => {
    expect(JSON.stringify(sms.schema.safeParse(entry).error?.issues)).toContain(expected);
  });
});

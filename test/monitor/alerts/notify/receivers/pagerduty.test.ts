import { describe, expect, it } from 'vitest';
import { pagerduty } from '../../../../../src/monitor/alerts/notify/receivers/pagerduty.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService } from '../../../../support/alerts/http-service.ts';
import { pagerDutyShape } from '../../../../support/alerts/service-shapes.ts';
import { notification, notifiedAlert, receiverTools } from '../../../../support/alerts/notifications.ts';

const now = (): AbortSignal => new AbortController().signal;
const OK = { kind: 'answer', status: 202, body: '{"status":"success"}' } as const;

receiverSuite({
  name: 'pagerduty',
  // The status of an incident is the action of the event.
  service: () => overHttp((body) => body.replace('"event_action":"resolve"', 'resolved'), OK, pagerDutyShape),
  make: (service, tools) =>
    pagerduty.create(pagerduty.schema.parse({ routing_key: SECRET, url: `${service.http.url}/v2/enqueue` }), tools),
  maxBytes: 512 * 1024,
});

describe('pagerduty', () => {
  async function sent(about = notification(), more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    await using service = await httpService(OK);
    const receiver = pagerduty.create(
      pagerduty.schema.parse({ routing_key: SECRET, url: service.url, ...more }),
      receiverTools(),
    );
    expect(await receiver.send(about, now())).toEqual({ kind: 'delivered' });
    return JSON.parse(service.requests[0]?.body ?? '') as Record<string, unknown>;
  }

  it('triggers with the fields of the documentation', async () => {
    const event = await sent();
    expect(event).toMatchObject({
      routing_key: SECRET,
      event_action: 'trigger',
      client: 'Vitrine',
      payload: {
        severity: 'critical',
        source: 'Vitrine',
        timestamp: '2026-11-30T12:00:00.000Z',
        custom_details: { num_firing: '1', num_resolved: '0' },
      },
      images: [],
    });
    const { payload, links } = event as { payload: Record<string, unknown>; links: { href: string }[] };
    expect(payload['summary']).toBe('[FIRING:1] ErrorRate (checkout critical)');
    expect(JSON.stringify(payload['custom_details'])).toContain('card declined: upstream timed out');
    expect(links.map(({ href }) => href)).toContain('https://example.org/runbooks/errors');
    expect(String(event['dedup_key'])).toMatch(/^[0-9a-f]{64}$/);
  });

  it('resolves the same incident', async () => {
    const alert = notifiedAlert({ status: 'resolved', endsAtMs: 1 });
    const [first, last] = [await sent(), await sent(notification({ alerts: [alert] }))];
    expect(last).toMatchObject({ event_action: 'resolve', dedup_key: first['dedup_key'] });
  });

  it('sends one of the four severities, and a summary of at most 1024 characters on one line', async () => {
    const labels = { alertname: `x\n${'y'.repeat(2_000)}`, severity: 'PAGE' };
    const event = await sent(notification({ groupLabels: labels, commonLabels: labels }), { class: '{{ .Status }}' });
    const payload = event['payload'] as { summary: string };
    expect(payload).toMatchObject({ severity: 'error', class: 'firing' });
    expect([payload.summary.length, payload.summary.includes('\n')]).toEqual([1_024, false]);
  });

  it('takes links, images and details of the configuration', async () => {
    const event = await sent(notification(), {
      links: [{ href: 'https://wiki/{{ .CommonLabels.service }}', text: 'Wiki' }],
      images: [{ src: 'https://img/', alt: 'x' }],
      details: { firing: 'mine', team: '{{ .CommonLabels.service }}' },
    });
    expect((event['links'] as unknown[])[0]).toEqual({ href: 'https://wiki/checkout', text: 'Wiki' });
    expect(event['images']).toEqual([{ src: 'https://img/', alt: 'x' }]);
    expect(event['payload']).toMatchObject({ custom_details: { firing: 'mine', team: 'checkout', num_firing: '1' } });
  });
});

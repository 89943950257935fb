/** Notifications and tools for tests of receivers. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { NotifiedAlert, Notification } from '../../../src/monitor/alerts/notify/notification.ts';
import type { ReceiverTools } from '../../../src/monitor/alerts/notify/receivers/kind.ts';
import { Renderer } from '../../../src/monitor/alerts/notify/template/renderer.ts';
import { connect } from '../../../src/monitor/outbound/connect.ts';
import { OutboundGuard, type GuardOptions, type Origin } from '../../../src/monitor/outbound/guard.ts';
import { send } from '../../../src/monitor/outbound/request.ts';
import { recordingLogger } from '../recording-logger.ts';

const LINKS = {
  page: 'http://127.0.0.1:4000/alerts/0f0f0f0f0f0f0f0f',
  silence: 'http://127.0.0.1:4000/alerts/0f0f0f0f0f0f0f0f?silence=new',
  runbook: 'https://example.org/runbooks/errors',
};

export function notifiedAlert(given: Partial<NotifiedAlert> = {}): NotifiedAlert {
  return {
    status: 'firing',
    labels: { alertname: 'ErrorRate', service: 'checkout', severity: 'critical' },
    annotations: { summary: 'checkout fails 12 % of its requests' },
    startsAtMs: Date.UTC(2026, 10, 30, 12, 0, 0),
    generatorUrl: 'http://127.0.0.1:4000/alerts/rules',
    fingerprint: '0f0f0f0f0f0f0f0f',
    summary: 'checkout fails 12 % of its requests',
    value: 0.12,
    threshold: '> 0.1',
    links: LINKS,
    ...given,
  };
}

export function notification(given: Partial<Notification> = {}): Notification {
  const alerts = given.alerts ?? [notifiedAlert()];
  const firing = alerts.some(({ status }) => status === 'firing');
  return {
    receiver: 'ops',
    status: firing ? 'firing' : 'resolved',
    alerts,
    reason: firing ? 'first notification' : 'all alerts resolved',
    groupKey: '{}:{alertname="ErrorRate"}',
    groupLabels: { alertname: 'ErrorRate' },
    commonLabels: alerts[0]?.labels ?? {},
    commonAnnotations: alerts[0]?.annotations ?? {},
    routeLabels: {},
    externalUrl: 'http://127.0.0.1:4000',
    summary: alerts[0]?.summary ?? '',
    sinceMs: alerts[0]?.startsAtMs ?? 0,
    links: LINKS,
    picture: () => Promise.resolve(undefined),
    errorLine: {
      text: 'card declined: upstream timed out',
      service: 'checkout',
      atMs: Date.UTC(2026, 10, 30, 11, 59, 58),
      link: 'http://127.0.0.1:4000/logs?q=trace:4bf92f3577b34da6a3ce929d0e0e4736',
    },
    trace: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      name: 'POST /pay',
      durationMs: 2_300,
      failed: true,
      link: 'http://127.0.0.1:4000/traces/4bf92f3577b34da6a3ce929d0e0e4736',
    },
    memory: {},
    ...given,
  };
}

/** The real tools: requests go over sockets and through the guard. */
export function receiverTools(
  origin: Origin = 'file',
  clock: Clock = systemClock,
  allowed: GuardOptions = {},
): ReceiverTools {
  const guard = new OutboundGuard(allowed);
  const renderer = new Renderer();
  return {
    request: (request) => send(guard, { ...request, origin }),
    connect: (connection) => connect(guard, { ...connection, origin }),
    render: (text, about) => renderer.render(text, about, clock.now()),
    readFile: async (file) => (await readFile(file, 'utf8')).trim(),
    pathOf: (file) => path.resolve(file),
    environment: process.env,
    clock,
    logger: recordingLogger(),
  };
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receiver } from '../../../../../src/monitor/alerts/notify/notification.ts';
import { plugin } from '../../../../../src/monitor/alerts/notify/receivers/plugin.ts';
import { overHttp, receiverSuite, SECRET } from '../../../../suites/receiver.ts';
import { httpService } from '../../../../support/alerts/http-service.ts';
import { notification, receiverTools } from '../../../../support/alerts/notifications.ts';

const PLUGIN = `
export const createReceiver = ({ url, token }) => ({
  async send({ status, summary, groupLabels }) {
    const body = JSON.stringify({ status, summary: summary.slice(0, 500), name: groupLabels.alertname });
    const answer = await fetch(url, { method: 'POST', headers: { authorization: token }, body });
    const retry = answer.status === 429 || answer.status >= 500;
    const retryAfterMs = Number(answer.headers.get('retry-after') ?? 0) * 1_000;
    if (!answer.ok) throw Object.assign(new Error('no: ' + token), { retry, retryAfterMs });
  },
});
`;
const OTHERS: Readonly<Record<string, string>> = {
  'environment.mjs': `export const createReceiver = ({ url }) => ({
    send: () => fetch(url, { method: 'POST', body: JSON.stringify(process.env) }),
  });`,
  'loop.mjs': 'export const createReceiver = () => ({ send() { for (;;); } });',
  'exit.mjs': 'export const createReceiver = () => ({ send() { process.exit(3); } });',
  'empty.mjs': 'export {};',
  'chatty.mjs': 'export const createReceiver = () => ({ send() { process.send(null); for (;;); } });',
  'wait.mjs': `export const createReceiver = () => ({
    send() { throw Object.assign(new Error('x'), { code: 'EBUSY', retryAfterMs: 5000 }); },
  });`,
};

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'vitrine-plugin-'));
  writeFileSync(path.join(dir, 'plugin.mjs'), PLUGIN);
  for (const [name, text] of Object.entries(OTHERS)) writeFileSync(path.join(dir, name), text);
});
afterAll(() => rmSync(dir, { recursive: true }));

const make = (file: string, more: Record<string, unknown> = {}): Receiver =>
  plugin.create(plugin.schema.parse({ module: path.join(dir, file), ...more }), receiverTools());
const now = (): AbortSignal => new AbortController().signal;

receiverSuite({
  name: 'plugin',
  service: () => overHttp((body) => body),
  make: (service, tools) => {
    const entry = { module: path.join(dir, 'plugin.mjs'), options: { url: service.http.url, token: SECRET } };
    return plugin.create(plugin.schema.parse({ ...entry, timeout: '1m' }), tools);
  },
  maxBytes: 8_192,
  hasReasons: false,
});

describe('plugin', () => {
  it('gets no variables of the environment that may be secrets', async () => {
    await using service = await httpService();
    process.env['VITRINE_TOKEN'] = SECRET;
    const sent = await make('environment.mjs', { options: { url: service.url }, timeout: '1m' }).send(
      notification(),
      now(),
    );
    delete process.env['VITRINE_TOKEN'];
    expect(sent).toEqual({ kind: 'delivered' });
    expect(service.requests[0]?.body).not.toContain(SECRET);
  });

  it('is killed when its time is over, even in an endless loop', async () => {
    expect(await make('loop.mjs', { timeout: '1s' }).send(notification(), now())).toMatchObject({
      reason: 'contextDeadlineExceeded',
      retry: true,
    });
  });

  it.each([
    ['exit.mjs', 'The process of the plugin ended with 3.'],
    ['empty.mjs', 'The plugin failed (TypeError).'],
    ['chatty.mjs', 'The plugin sent a message that is no answer.'],
    ['none.mjs', 'The plugin failed (ERR_MODULE_NOT_FOUND).'],
    ['wait.mjs', 'The plugin failed (EBUSY).'],
  ])('%s is a failed delivery', async (file, message) => {
    const sent = await make(file, { timeout: '1m' }).send(notification(), now());
    expect(sent).toMatchObject({ kind: 'failed', retry: true, message });
    if (file === 'wait.mjs') expect(sent).toMatchObject({ retryAfterMs: 5_000 });
  });

  it('runs at most four at a time', async () => {
    const receiver = make('loop.mjs', { timeout: '1m' });
    const stop = new AbortController();
    const running = Array.from({ length: 4 }, () => receiver.send(notification(), stop.signal));
    expect(await receiver.send(notification(), stop.signal)).toMatchObject({
      kind: 'failed',
      retry: true,
      message: '4 calls of the plugin are still running.',
    });
    stop.abort();
    for (const one of await Promise.all(running)) expect(one).toMatchObject({ reason: 'contextDeadlineExceeded' });
  });

  it('has a limit of at most a minute', () => {
    expect(plugin.schema.safeParse({ module: 'x', timeout: '2m' }).success).toBe(false);
  });
});

/** Channels and templates that are tried before they are saved: what they do, and what nobody may reach with them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuardOptions } from '../../../../src/monitor/outbound/guard.ts';
import { DENIED_HOSTS, resolveAs, resolveBy } from '../../../support/denied-hosts.ts';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { httpService, type HttpService } from '../../../support/alerts/http-service.ts';
import { pipelineRig, type Rig } from '../../../support/alerts/pipeline-rig.ts';

const CONFIG = `route: { receiver: a, group_by: ['...'] }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]`;
const SECRET = 'a-very-secret-word-41';

let rig: Rig;
let api: AlertApi;
let inside: HttpService;
beforeEach(async () => {
  rig = await pipelineRig(CONFIG);
  inside = await httpService();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
  await inside[Symbol.asyncDispose]();
});

interface Result {
  readonly kind: string;
  readonly ok: boolean;
  readonly message: string;
}

async function start(allowed: GuardOptions = {}): Promise<void> {
  api = await startAlertApi(rig, allowed);
}

async function tried(kind: string, entry: Record<string, unknown>): Promise<Result> {
  const { status, body } = await api.send('POST', '/api/notify/test', { kind, entry, by: 'ann' });
  if (status !== 200) return { kind, ok: false, message: JSON.stringify(body) };
  const [result] = (body as { results: Result[] }).results;
  return result;
}

const portOf = ({ url }: HttpService): string => new URL(url).port;

/** Each kind with an address of its own, and secrets wherever it has one. */
const ENTRIES: readonly [string, (at: string) => Record<string, unknown>][] = [
  ['webhook', (at) => ({ url: `http://${at}/${SECRET}` })],
  ['http', (at) => ({ url: `http://${at}/${SECRET}`, headers: { authorization: SECRET } })],
  ['slack_configs', (at) => ({ api_url: `http://${at}/${SECRET}` })],
  ['slack', (at) => ({ app_token: SECRET, app_url: `http://${at}/api/chat.postMessage`, channel: 'c' })],
  ['discord', (at) => ({ webhook_url: `http://${at}/${SECRET}` })],
  ['msteamsv2', (at) => ({ webhook_url: `http://${at}/${SECRET}` })],
  ['msteams', (at) => ({ webhook_url: `http://${at}/${SECRET}` })],
  ['telegram', (at) => ({ api_url: `http://${at}`, bot_token: SECRET, chat_id: 1 })],
  ['pagerduty', (at) => ({ url: `http://${at}/`, routing_key: SECRET })],
  ['ntfy', (at) => ({ url: `http://${at}/`, topic: 'x', token: SECRET })],
  ['sms', (at) => ({ url: `http://${at}`, account_sid: 'A', auth_token: SECRET, from: 'V', to: '+491701234567' })],
  ['alertmanager', (at) => ({ url: `http://${at}` })],
  [
    'email',
    (at) => ({ smarthost: at, to: 'a@b', from: 'c@d', require_tls: false, auth_username: 'u', auth_password: SECRET }),
  ],
];

describe('a channel that is tried by the API', () => {
  it('reaches nothing inside, in any spelling', async () => {
    await start();
    const reached: string[] = [];
    for (const host of DENIED_HOSTS) {
      const { ok, message } = await tried('webhook', { url: `http://${host}:${portOf(inside)}/` });
      if (ok || !/ address\b|metadata service/.test(message)) reached.push(`${host}: ${message}`);
    }
    expect(reached).toEqual([]);
    expect(inside.requests).toEqual([]);
  }, 60_000);

  it.each(ENTRIES)('of the kind %s reaches nothing inside, by address or name', async (kind, entry) => {
    await start({
      resolve: resolveAs({ 'inside.example': ['127.0.0.1'], 'both.example': ['93.184.216.34', '10.0.0.1'] }),
    });
    for (const host of ['127.0.0.1', 'inside.example', 'both.example']) {
      const result = await tried(kind, entry(`${host}:${portOf(inside)}`));
      expect(result).toMatchObject({ ok: false, message: expect.stringMatching(/ address/) as string });
    }
    expect(inside.requests).toEqual([]);
  });

  it('is judged by the address that it connects to: a name that changes, and redirects', async () => {
    const asked: string[] = [];
    // The first answer is allowed; an attacker's name server gives another one the second time.
    const resolve = resolveBy((host) => {
      asked.push(host);
      return host === 'rebind.example' && asked.length > 1 ? ['10.0.0.1'] : ['127.0.0.1'];
    });
    await start({ allowPrivate: ['rebind.example', 'start.example'], resolve });
    expect(await tried('webhook', { url: `http://rebind.example:${portOf(inside)}/` })).toMatchObject({ ok: true });
    expect(asked).toEqual(['rebind.example']);
    for (const to of [
      `http://127.0.0.1:${portOf(inside)}/in`,
      `http://evil.example:${portOf(inside)}/in`,
      'file:///etc/passwd',
    ]) {
      inside.behave({ kind: 'answer', status: 307, headers: { location: to } });
      expect(await tried('webhook', { url: `http://start.example:${portOf(inside)}/` })).toMatchObject({ ok: false });
    }
    expect(inside.requests.map(({ path }) => path)).toEqual(['/', '/', '/', '/']);
  });

  it('reads no file, starts no program, and writes no line of its own', async () => {
    await start({ allowPrivate: ['127.0.0.1'] });
    expect(await tried('webhook', { url_file: '/etc/passwd' })).toMatchObject({ ok: false });
    const withFile = { url: inside.url, http_config: { basic_auth: { username: 'u', password_file: '/etc/passwd' } } };
    expect(await tried('webhook', withFile)).toMatchObject({
      ok: false,
      message: expect.stringContaining('reads no files') as string,
    });
    const withTls = { url: inside.url, http_config: { tls_config: { ca_file: '/etc/passwd' } } };
    expect(await tried('webhook', withTls)).toMatchObject({ ok: false });
    for (const kind of ['plugin', 'console', 'nothing', '__proto__'])
      expect((await tried(kind, { module: '/tmp/x.mjs' })).message).toContain('cannot be tried');
    expect(inside.requests).toEqual([]);
  });

  // The mail client waits for a greeting that this server never sends; test/suites/receiver.ts has its failures.
  it.each(ENTRIES.filter(([kind]) => kind !== 'email'))(
    'of the kind %s shows no secret in its answer, in the ledger or in the log',
    async (kind, entry) => {
      await start({ allowPrivate: ['127.0.0.1'] });
      const said: string[] = [];
      for (const status of [401, 404, 500]) {
        inside.behave({ kind: 'answer', status, body: SECRET });
        said.push(JSON.stringify(await tried(kind, entry(new URL(inside.url).host))));
      }
      inside.behave({ kind: 'close' });
      said.push(JSON.stringify(await tried(kind, entry(new URL(inside.url).host))));
      said.push(JSON.stringify((await api.get('/api/notifications')).body));
      said.push(JSON.stringify(api.logged));
      expect(said.join('\n')).not.toContain(SECRET);
      expect(said.join('\n')).toContain('that is not saved was tried by ann');
    },
  );

  it('cannot smuggle fields into a request, or a second recipient into a mail', async () => {
    await start({ allowPrivate: ['127.0.0.1'] });
    const evil = 'x\r\nX-Injected: 1\r\n\r\nGET /second HTTP/1.1';
    await tried('http', { url: inside.url, headers: { 'x-own': evil } });
    await tried('http', { url: inside.url, headers: { [evil]: 'x' } });
    await tried('slack', { app_token: evil, app_url: `${inside.url}/api/chat.postMessage`, channel: evil });
    await tried('webhook', { url: `${inside.url}/a b\r\nX-Injected: 1` });
    await tried('webhook', { url: inside.url, http_config: { http_headers: { 'x-own': { values: [evil] } } } });
    for (const { rawHeaders, path } of inside.requests) {
      expect(rawHeaders.map((field) => field.toLowerCase())).not.toContain('x-injected');
      expect(path).not.toBe('/second');
    }
  });

  it('is sent, once, and only a few at a time', async () => {
    await start({ allowPrivate: ['127.0.0.1'] });
    expect(await tried('webhook', { url: inside.url })).toEqual({
      kind: 'webhook',
      index: 0,
      ok: true,
      message: 'delivered',
    });
    expect(JSON.parse(inside.requests[0]?.body ?? '')).toMatchObject({
      receiver: 'trial',
      alerts: [{ status: 'firing' }],
    });
    inside.behave({ kind: 'hang' });
    const held = [1, 2, 3, 4].map(() => tried('webhook', { url: inside.url, timeout: '1s' }));
    await expect.poll(() => inside.requests.length, { timeout: 30_000 }).toBe(5);
    expect((await tried('webhook', { url: inside.url })).message).toContain('too_many_requests');
    expect((await Promise.all(held)).map(({ ok }) => ok)).toEqual([false, false, false, false]);
    // Nothing of it is kept.
    expect(rig.pipeline.config.channels.has('trial')).toBe(false);
  });

  it('says every mistake of its entry', async () => {
    await start();
    const { message } = await tried('webhook', { url: 'ftp://x', unknown: 1 });
    expect(message).toContain('entry.webhook_configs[0]');
    expect(message).toContain('unknown');
  });
});

describe('a template that is tried', () => {
  const render = async (body: Record<string, unknown>): Promise<{ status: number; body: unknown }> =>
    api.send('POST', '/api/notify/render', body);

  it('is shown over an example, or over an alert', async () => {
    await start();
    const template =
      '{{ .Status }} {{ .CommonLabels.alertname }} {{ (index .Alerts 0).Value }} {{ template "slack.default.title" . }}';
    expect((await render({ template })).body).toEqual({
      text: expect.stringContaining('firing VitrineTest 0.12 [FIRING:1]') as string,
    });
    await rig.fire('1', { alertname: 'Real' });
    const [alert] = [...rig.pipeline.alerts.values()];
    expect((await render({ template: '{{ .GroupLabels.alertname }}', alert: alert?.fingerprint })).body).toEqual({
      text: 'Real',
    });
    expect((await render({ template, alert: 'f'.repeat(16) })).status).toBe(404);
  });

  it.each(['{{ .Nope', '{{ template "none" . }}', '{{ index .Alerts 7 }}'])(
    'says the mistake in %s',
    async (template) => {
      await start();
      expect(await render({ template })).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining('template: ') as string },
      });
    },
  );

  it('has a bound on its size', async () => {
    await start();
    expect((await render({ template: 'x'.repeat(40_000) })).status).toBe(400);
  });
});

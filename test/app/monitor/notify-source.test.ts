/** The configuration of notifications as the monitor reads it: file, short form, templates and entries of our own kinds. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import {
  notifySourceOf,
  pipelineConfigOf,
  receiverTools,
  type NotifySource,
} from '../../../src/app/monitor/notify-source.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { readNotifyFile } from '../../../src/monitor/alerts/notify/file/read.ts';
import { RECEIVER_KINDS } from '../../../src/monitor/alerts/notify/receivers/table.ts';
import { httpService } from '../../support/alerts/http-service.ts';
import { notification } from '../../support/alerts/notifications.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'vitrine-notify-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (name: string, text: string): void => writeFileSync(path.join(dir, name), text);
const read = (notify: string): NotifySource =>
  notifySourceOf(
    settingsFrom(`notify:\n${notify.replaceAll(/^/gm, '  ')}\n`, { file: path.join(dir, 'vitrine.yaml'), env: {} }),
  );
const kindsOf = ({ config }: NotifySource): string[] =>
  [...config.receivers.values()].flatMap(({ name, integrations }) =>
    integrations.map(({ kind }) => `${name} ${kind.name}`),
  );

describe('the short form', () => {
  it('stands for a file that sends critical alerts at once', () => {
    const source = read(
      [
        "webhook: { url: 'https://h/secret-path' }",
        "slack: { webhook: 'https://hooks.slack.com/x', channel: '#ops', username: v }",
        "email: { to: 'a@x, b@x', from: c@x, smarthost: 'm:25', username: u, password: hush, subject: s, template: t }",
      ].join('\n'),
    );
    expect(source.config.original).not.toMatch(/secret-path|hush|hooks\.slack/);
    expect(source.config.route.routes.map(({ key, options }) => [key, options.groupWaitMs])).toEqual([
      ['{}/{severity="critical"}', 0],
    ]);
    expect(kindsOf(source)).toContain('default webhook');
    expect(
      readNotifyFile(source.config.original.replaceAll('<secret>', 'http://x/'), 'x', RECEIVER_KINDS).issues,
    ).toEqual([]);
  });

  it('sends by our own kind what Alertmanager cannot', async () => {
    await using service = await httpService();
    const source = read(`webhook: { url: '${service.url}/in', method: PUT, headers: { x-team: pay } }`);
    expect(kindsOf(source)).toEqual(['default http']);
    const config = pipelineConfigOf(source, receiverTools(source, systemClock, recordingLogger()));
    await config.channels.get('default')?.[0]?.receiver.send(notification(), new AbortController().signal);
    expect(service.requests[0]).toMatchObject({ method: 'PUT', path: '/in', headers: { 'x-team': 'pay' } });
  });

  it('stands for every channel that it has, SMS too', () => {
    const source = read(
      [
        "slack: { webhook: 'https://hooks.slack.com/x' }",
        "email: { to: a@x, from: c@x, smarthost: 'm:25' }",
        "sms: { account_sid: AC1, auth_token: hush, from: V, to: '+491701234567' }",
      ].join('\n'),
    );
    expect(kindsOf(source)).toEqual(['default slack', 'default email', 'default sms']);
    expect(source.warnings).toEqual([]);
    expect(source.config.original).not.toContain('hush');
  });

  it('is a receiver without channels when nothing is configured', () => {
    expect([...notifySourceOf(settingsFrom(undefined, { env: {} })).config.receivers.keys()]).toEqual(['default']);
  });
});

describe('the file', () => {
  const FILE =
    "route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ url_file: url }] }]\ntemplates: ['*.tmpl']\n";

  it('is found beside vitrine.yaml, with its templates and secret files', async () => {
    await using service = await httpService();
    put('am.yml', FILE);
    put('one.tmpl', '{{ define "mine" }}{{ .Status }}!{{ end }}');
    put('url', `${service.url}/from-file\n`);
    const source = read('file: am.yml\nreceivers: { a: { console: [{ send_resolved: false }] } }');
    expect(kindsOf(source)).toEqual(['a webhook', 'a console']);
    const tools = receiverTools(source, systemClock, recordingLogger());
    expect(await tools.render('{{ template "mine" . }}', notification())).toBe('firing!');
    const config = pipelineConfigOf(source, tools);
    await config.channels.get('a')?.[0]?.receiver.send(notification(), new AbortController().signal);
    expect(service.requests[0]?.path).toBe('/from-file');
  });

  it('is joined by one plugin, found beside it', async () => {
    put('am.yml', FILE);
    put(
      'mine.mjs',
      "export const createReceiver = ({ n }) => ({ send() { if (n !== 5) throw new Error('no number'); } });",
    );
    const source = read('file: am.yml\nreceivers: { a: { plugin: { module: ./mine.mjs, options: { n: 5 } } } }');
    expect(kindsOf(source)).toEqual(['a webhook', 'a plugin']);
    const config = pipelineConfigOf(source, receiverTools(source, systemClock, recordingLogger()));
    const [, channel] = config.channels.get('a') ?? [];
    expect(await channel?.receiver.send(notification(), new AbortController().signal)).toEqual({ kind: 'delivered' });
  });

  it.each([
    ['file: none.yml', 'cannot be read (ENOENT)'],
    ["file: am.yml\nwebhook: { url: 'http://x/' }", 'notify.webhook: cannot stand beside notify.file'],
    ['file: am.yml\nreceivers: { b: { console: [{}] } }', 'has no receiver of this name'],
    ['file: am.yml\nreceivers: { a: { pager: [{}] } }', 'unknown kind; known are http, ntfy, sms'],
    [
      'file: am.yml\nreceivers: { a: { alertmanager: [{ url: x, timeout: 5 }] } }',
      'notify.receivers.a.alertmanager[0].url: expected a URL',
    ],
    ['file: bad.yml', 'no receiver is named "x"'],
    ['file: tmpl.yml', 'wrong.txt'],
  ])('%s is refused', (notify, expected) => {
    put('am.yml', FILE);
    put('bad.yml', 'route: { receiver: x }\n');
    put('tmpl.yml', FILE.replace('*.tmpl', 'wrong.txt'));
    put('wrong.txt', '{{ define "x" }}');
    expect(() => read(notify)).toThrow(expected);
  });

  it('names what has no effect', () => {
    put('am.yml', 'tracing: { endpoint: x }\nroute: { receiver: a }\nreceivers: [{ name: a }]\n');
    expect(read('file: am.yml').warnings.join()).toContain('am.yml:1:1 tracing');
  });
});

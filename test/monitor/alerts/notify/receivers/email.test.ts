import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { readNotifyFile } from '../../../../../src/monitor/alerts/notify/file/read.ts';
import type { Receiver } from '../../../../../src/monitor/alerts/notify/notification.ts';
import { email } from '../../../../../src/monitor/alerts/notify/receivers/email.ts';
import { RECEIVER_KINDS } from '../../../../../src/monitor/alerts/notify/receivers/table.ts';
import { receiverSuite, SECRET, type Service } from '../../../../suites/receiver.ts';
import { notification, receiverTools } from '../../../../support/alerts/notifications.ts';
import { readMail, smtpService, type SmtpService } from '../../../../support/alerts/smtp-service.ts';
import { hasOpenssl, makeAuthority } from '../../../../stack/balancer/tls/certificate-files.ts';

const base = (service: SmtpService): Record<string, unknown> => ({
  to: 'ops@example.org',
  from: 'vitrine@example.org',
  smarthost: service.address,
  require_tls: 'false',
});
const make = (entry: Record<string, unknown>): Receiver => email.create(email.schema.parse(entry), receiverTools());
const now = (): AbortSignal => new AbortController().signal;

receiverSuite<Service & { readonly smtp: SmtpService }>({
  name: 'email',
  async service() {
    const smtp = await smtpService();
    const last = (): string => smtp.mails.at(-1)?.raw ?? '';
    return {
      smtp,
      behave: (behaviour) => smtp.behave(behaviour),
      count: () => smtp.mails.length,
      text: () => readMail(last()).text,
      raw: last,
      fields: () => readMail(last()).fields,
      [Symbol.asyncDispose]: () => smtp[Symbol.asyncDispose](),
    };
  },
  make: ({ smtp }, tools) =>
    email.create(email.schema.parse({ ...base(smtp), auth_username: 'me', auth_password: SECRET }), tools),
  maxBytes: 2 * 1024 * 1024,
  hasRetryAfter: false,
});

describe('email', () => {
  let service: SmtpService;
  afterEach(() => service[Symbol.asyncDispose]());
  const mail = (at = -1): ReturnType<typeof readMail> => readMail(service.mails.at(at)?.raw ?? '');

  it('has a text and an HTML part with the facts, and signs in', async () => {
    service = await smtpService();
    await make({ ...base(service), auth_username: 'me', auth_password: SECRET }).send(notification(), now());
    expect(service.mails[0]).toMatchObject({
      from: 'vitrine@example.org',
      to: ['ops@example.org'],
      auth: `\0me\0${SECRET}`,
    });
    const { head, text } = mail();
    expect(head).toMatch(/^Subject: \[FIRING:1\] ErrorRate/m);
    expect(head).toMatch(/^Content-Type: multipart\/alternative/m);
    expect(head).toMatch(/^Auto-Submitted: auto-generated/m);
    expect(text).toContain('(value 0.12, threshold > 0.1)');
    expect(text).toContain('<h2>checkout fails 12 % of its requests</h2>');
    expect(text).toContain('(value 0.12, threshold &gt; 0.1)');
    expect(text).toContain('Error: checkout: card declined: upstream timed out');
    expect(text).toContain('<a href="https://example.org/runbooks/errors">Runbook</a>');
  });

  it('keeps the messages of one incident in one thread', async () => {
    service = await smtpService();
    const first = await make(base(service)).send(notification(), now());
    const memory = first.kind === 'delivered' ? (first.memory ?? {}) : {};
    const id = /^Message-ID: (.*)$/m.exec(mail().head)?.[1] ?? 'none';
    expect(memory).toEqual({ root: id });
    expect(await make(base(service)).send(notification({ memory }), now())).toEqual({ kind: 'delivered', memory });
    expect(mail().head).toContain(`In-Reply-To: ${id}`);
    expect(mail().head).toContain(`References: ${id}`);
    const alone = make({ ...base(service), threading: { enabled: 'false' } });
    expect(await alone.send(notification({ memory }), now())).toEqual({ kind: 'delivered' });
    expect(mail().head).not.toContain('In-Reply-To');
  });

  it('lets no label add a recipient, a header or markup', async () => {
    service = await smtpService();
    const owner = 'me, all@example.org\r\nBcc: x@example.org';
    const about = notification({ commonLabels: { owner, alertname: '<script>x</script>' }, summary: '<b>"x"</b>' });
    const headers = { 'X-Owner': '{{ .CommonLabels.owner }}', Subject: 'to {{ .CommonLabels.owner }}' };
    await make({ ...base(service), to: '{{ .CommonLabels.owner }}', headers, text: '' }).send(about, now());
    expect(service.mails[0]?.to).toHaveLength(1);
    expect(mail().fields).not.toContain('Bcc');
    expect(mail().head).toContain('Subject: to me, all@example.org Bcc: x@example.org');
    expect(mail().text).toContain('<h2>&lt;b&gt;&#34;x&#34;&lt;/b&gt;</h2>');
  });

  it('shows the chart inside the message, and comes without it when it cannot be drawn', async () => {
    service = await smtpService();
    const png = Buffer.from('89504e470d0a1a0a', 'hex');
    const alt = 'errors "now"';
    await make(base(service)).send(notification({ picture: () => Promise.resolve({ png, alt }) }), now());
    expect(mail().text).toContain('<img src="cid:chart@vitrine" alt="errors &#34;now&#34;">');
    expect(service.mails[0]?.raw).toContain('Content-ID: <chart@vitrine>');
    expect(service.mails[0]?.raw).toContain(png.toString('base64'));
    const broken = (): Promise<never> => Promise.reject(new Error('no'));
    expect(await make(base(service)).send(notification({ picture: broken }), now())).toMatchObject({
      kind: 'delivered',
    });
  });

  it('asks for TLS unless told otherwise', async () => {
    service = await smtpService();
    const sent = await make({ ...base(service), require_tls: 'true' }).send(notification(), now());
    expect(sent).toMatchObject({ kind: 'failed', retry: true });
    expect(service.mails).toEqual([]);
  });

  it.runIf(hasOpenssl).each([false, true])(
    'speaks TLS and checks the certificate (from the first byte: %s)',
    async (implicit) => {
      const ends: (() => unknown)[] = [];
      const authority = await makeAuthority({ add: (end) => void ends.push(end) });
      const leaf = await authority.issue('mail', ['DNS:mail.example.org', 'IP:127.0.0.1']);
      service = await smtpService({
        tls: { key: readFileSync(leaf.key_file, 'utf8'), cert: readFileSync(leaf.cert_file, 'utf8'), implicit },
      });
      const entry = { ...base(service), require_tls: 'true', force_implicit_tls: String(implicit) };
      const trusting = { ...entry, tls_config: { ca_file: authority.caFile } };
      expect(await make(entry).send(notification(), now())).toMatchObject({ kind: 'failed', retry: true });
      expect(service.mails).toEqual([]);
      expect(await make(trusting).send(notification(), now())).toMatchObject({ kind: 'delivered' });
      expect(service.mails[0]?.secure).toBe(true);
      const named = { ...trusting, tls_config: { ca_file: authority.caFile, server_name: 'other.example.org' } };
      expect(await make(named).send(notification(), now())).toMatchObject({ kind: 'failed' });
      for (const end of ends) end();
    },
  );

  it('takes the server from global, and names every mistake', async () => {
    service = await smtpService();
    const read = (global: string, entry: string): ReturnType<typeof readNotifyFile> =>
      readNotifyFile(
        `global: ${global}\nroute: { receiver: a }\nreceivers:\n- name: a\n  email_configs: [${entry}]\n`,
        'am.yml',
        RECEIVER_KINDS,
      );
    const full = '{ smtp_smarthost: "mail:25", smtp_from: a@b, smtp_auth_password_file: p, http_config: {} }';
    expect(read(full, '{ to: c@d }').issues).toEqual([]);
    expect(read(full, '{ to: c@d, auth_password: s }').issues).toEqual([]);
    expect(read('{}', '{}').issues.join('\n')).toMatch(/to must be set[^]*smarthost must be set[^]*from must be set/);
    expect(read(full, '{ to: c@d, headers: { "a b": c } }').issues[0]).toContain('is not the name of a header');
    expect(read(full, '{ to: c@d, headers: { X-A: c, x-a: d } }').issues[0]).toContain('stands twice');
    expect(read(full, '{ to: c@d, smarthost: x }').issues[0]).toContain('an address like');
    const shown = read(full, '{ to: c@d, auth_password: hush9 }').config?.original;
    expect(shown).not.toContain('hush9');
  });
});

/**
 * A monitor process with real programs around it: amtool adds, queries and silences; a Prometheus sends its alerts; and the
 * process is killed again and again while alerts arrive. Needs amtool and Prometheus for the first two.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { Labels } from '../../../src/model/labels.ts';
import { fingerprintOf } from '../../../src/monitor/alerts/notify/steps/fingerprint.ts';
import { httpService, type Behaviour } from '../../support/alerts/http-service.ts';
import { freshDir, missingPrograms, neededProgram, runToEnd, runWell } from '../../support/program.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { startAlertmanager, startPrometheus } from '../../support/programs/observability-programs.ts';
import { json } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

let dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  dirs = [];
});

function workDir(alertmanager: string): string {
  const dir = freshDir('vitrine-alerts');
  dirs.push(dir);
  mkdirSync(path.join(dir, 'data'), { mode: 0o700 });
  writeFileSync(path.join(dir, 'am.yml'), alertmanager);
  return dir;
}

const CONFIG = 'notify: { file: am.yml }\n';

interface Payload {
  readonly status: string;
  readonly alerts: readonly { readonly status: string; readonly labels: Record<string, string> }[];
}
const payloads = (requests: readonly { readonly body: string }[]): Payload[] =>
  requests.map(({ body }) => JSON.parse(body) as Payload);

describe.skipIf(missingPrograms('amtool against Vitrine', 'amtool').length > 0)('amtool', () => {
  it('adds alerts, queries them, and makes, lists and ends silences', async () => {
    await using hook = await httpService();
    const dir = workDir(
      `route: { receiver: a, group_by: ['...'], group_wait: 1s }\nreceivers: [{ name: a, webhook_configs: [{ url: '${hook.url}/a' }] }]\n`,
    );
    await using monitor = await startMonitorProcess({ dir, keepDir: true, built: true, config: CONFIG });
    const amtool = (...args: string[]): Promise<string> =>
      runWell(neededProgram('amtool'), [`--alertmanager.url=${monitor.url}`, ...args]);
    await amtool('alert', 'add', 'alertname=FromAmtool', 'node=bar', '--annotation=summary=hi');
    await until(
      () => payloads(hook.requests).some(({ alerts }) => alerts[0]?.labels['alertname'] === 'FromAmtool'),
      30_000,
    );
    expect(await amtool('alert', 'query', 'node=bar')).toContain('FromAmtool');
    expect(JSON.parse(await amtool('alert', 'query', 'node=foo', '-o', 'json'))).toEqual([]);
    const id = (await amtool('silence', 'add', 'node=~ba.*', '--comment=work', '--author=me')).trim();
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(await amtool('silence', 'query', 'node=~ba.*')).toContain(id);
    expect(await amtool('alert', 'query', '--silenced')).toContain('FromAmtool');
    await amtool('silence', 'update', '--duration=3h', id);
    await amtool('silence', 'expire', id);
    expect(await amtool('silence', 'query')).not.toContain(id);
    expect(await amtool('config', 'show')).toContain('<secret>');
    expect(await amtool('config', 'routes', 'test', 'node=bar')).toContain('a');
    // Also the amtool of the distribution, when it is there.
    const old = await runToEnd('/usr/bin/amtool', [`--alertmanager.url=${monitor.url}`, 'alert', 'query']);
    expect(old.stderr.includes('ENOENT') || old.stdout.includes('FromAmtool')).toBe(true);
  });
});

describe.skipIf(missingPrograms('Prometheus in front of Vitrine', 'prometheus').length > 0)('Prometheus', () => {
  it('sends its alerts and their end', async () => {
    await using hook = await httpService();
    const dir = workDir(
      `route: { receiver: a, group_by: ['...'], group_wait: 0s, group_interval: 1s }\nreceivers: [{ name: a, webhook_configs: [{ url: '${hook.url}/a' }] }]\n`,
    );
    await using monitor = await startMonitorProcess({ dir, keepDir: true, built: true, config: CONFIG });
    const rules = path.join(dir, 'rules.yml');
    writeFileSync(
      rules,
      `groups: [{ name: g, interval: 1s, rules: [{ alert: FromPrometheus, expr: 'vector(1)', labels: { team: x }, annotations: { summary: s } }] }]\n`,
    );
    await using prometheus = await startPrometheus({
      config: `global: { scrape_interval: 1h, evaluation_interval: 1s }\nrule_files: [${rules}]\nalerting: { alertmanagers: [{ static_configs: [{ targets: ['${monitor.url.replace('http://', '')}'] }] }] }\n`,
      // It finds its Alertmanagers after five seconds, and what it sends before is lost.
      flags: ['--web.enable-lifecycle', '--rules.alert.resend-delay=1s'],
    });
    const found = (status: string): boolean =>
      payloads(hook.requests).some(
        (one) => one.status === status && one.alerts[0]?.labels['alertname'] === 'FromPrometheus',
      );
    await until(() => found('firing'), 60_000);
    writeFileSync(
      rules,
      `groups: [{ name: g, interval: 1s, rules: [{ alert: FromPrometheus, expr: 'vector(1) > 2', labels: { team: x }, annotations: { summary: s } }] }]\n`,
    );
    await fetch(`${prometheus.url}/-/reload`, { method: 'POST' });
    await until(() => found('resolved'), 60_000);
  });
});

describe.skipIf(missingPrograms('the hand-over to Alertmanager', 'alertmanager').length > 0)('Alertmanager', () => {
  it('takes the alerts of our rules and their end, and nothing is routed here', async () => {
    await using alertmanager = await startAlertmanager();
    const dir = freshDir('vitrine-hand-over');
    dirs.push(dir);
    mkdirSync(path.join(dir, 'data'), { mode: 0o700 });
    const rules = path.join(dir, 'rules.yml');
    const rule = (expr: string): string =>
      `groups: [{ name: g, interval: 1s, rules: [{ alert: HandedOver, expr: '${expr}', labels: { team: x }, annotations: { summary: s } }] }]\n`;
    writeFileSync(rules, rule('vector(1)'));
    const config = `rules: [rules.yml]\nnotify: { alertmanager: { url: 'http://${alertmanager.address}' } }\n`;
    await using monitor = await startMonitorProcess({ dir, keepDir: true, built: true, config });
    const held = (): Promise<readonly { labels: Record<string, string>; annotations: object; endsAt: string }[]> =>
      json(`http://${alertmanager.address}/api/v2/alerts?filter=alertname%3D"HandedOver"`);
    await until(async () => (await held()).length === 1, 60_000);
    expect((await held())[0]).toMatchObject({ labels: { team: 'x' }, annotations: { summary: 's' } });
    expect(await (await fetch(`${monitor.url}/api/v2/alerts`)).json()).toEqual([]);
    writeFileSync(rules, rule('vector(1) > 2'));
    // A file that was saved again is read again.
    writeFileSync(path.join(dir, 'vitrine.yaml'), `${config}# changed\n`);
    await until(async () => (await held()).length === 0, 60_000);
  });
});

describe('kill -9', () => {
  /** Each round starts a process; more of them run at night. */
  const rounds = process.env['VITRINE_NIGHTLY'] === '1' ? 100 : 4;
  const config = (good: string, bad: string): string => `
route:
  group_by: ['...']
  group_wait: 0s
  group_interval: 1h
  receiver: good
  routes: [{ receiver: bad, continue: true }, { receiver: good }]
receivers:
- { name: good, webhook_configs: [{ url: '${good}/good' }] }
- { name: bad, webhook_configs: [{ url: '${bad}/bad', timeout: 1s }] }
- { name: second, webhook_configs: [{ url: '${good}/second' }] }
`;
  const OWN = `notify:
  file: am.yml
  escalation:
    good: { steps: [{ notify: [good] }, { notify: [second], after: 1s }] }
`;
  const TROUBLES: readonly Behaviour[] = [
    { kind: 'hang' },
    { kind: 'answer', status: 500 },
    { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'garbage' },
    { kind: 'close' },
  ];

  /** How often each alert was told as firing, by its id. */
  function toldAt(
    at: string,
    requests: readonly { readonly path: string; readonly body: string }[],
  ): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { alerts } of payloads(requests.filter(({ path: to }) => to === at)))
      for (const { labels } of alerts) counts.set(labels['id'] ?? '', (counts.get(labels['id'] ?? '') ?? 0) + 1);
    return counts;
  }
  const post = async (url: string, body: unknown): Promise<Record<string, unknown> | undefined> => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    return answer.ok ? ((text === '' ? {} : JSON.parse(text)) as Record<string, unknown>) : undefined;
  };

  it('loses no alert, silence, acknowledgement or escalation; each is told once, and at most once more', async () => {
    await using good = await httpService();
    await using bad = await httpService();
    const dir = workDir(config(good.url, bad.url));
    const random = seededRandom(7);
    const [accepted, acknowledged, silences]: [string[], string[], string[]] = [[], [], []];
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    for (let round = 0; round < rounds; round += 1) {
      bad.behave(TROUBLES[round % TROUBLES.length] ?? { kind: 'hang' });
      const monitor = await startMonitorProcess({ dir, keepDir: true, built: true, config: OWN });
      // Alerts arrive until the kill cuts one off.
      const sending = (async () => {
        for (let at = 0; ; at += 1) {
          const name = `r${round}-${at}`;
          const matchers = [{ name: 'x', value: name, isRegex: false }];
          const silence = {
            matchers,
            startsAt: new Date().toISOString(),
            endsAt: soon,
            createdBy: 'me',
            comment: name,
          };
          const made = await post(`${monitor.url}/api/v2/silences`, silence);
          if (made !== undefined) silences.push(String(made['silenceID']));
          const labels = { alertname: 'K', id: name };
          if ((await post(`${monitor.url}/api/v2/alerts`, [{ labels, endsAt: soon }])) === undefined) continue;
          accepted.push(name);
          if (at % 3 !== 0) continue;
          const fingerprint = fingerprintOf(Labels.from(labels));
          const kept = await post(`${monitor.url}/api/alerts/${fingerprint}/ack`, { by: 'me' });
          if (kept !== undefined) acknowledged.push(fingerprint);
        }
      })().catch(() => {});
      const before = accepted.length;
      const wanted = 1 + Math.floor(random() * 25);
      await until(() => accepted.length >= before + wanted, 60_000);
      await monitor.stop('SIGKILL');
      await sending;
    }
    // Until now the bad receiver has taken nothing, and the good one was not kept waiting.
    bad.behave({ kind: 'answer', status: 200 });
    const failed = bad.requests.length;
    await using monitor = await startMonitorProcess({ dir, keepDir: true, built: true, config: OWN });
    const all = (at: string, requests = good.requests): boolean =>
      accepted.every((name) => toldAt(at, requests).has(name));
    await until(() => all('/good'), 60_000);
    await until(() => all('/bad', bad.requests.slice(failed)), 60_000);
    const isAcknowledged = new Set(acknowledged);
    const open = accepted.filter((id) => !isAcknowledged.has(fingerprintOf(Labels.from({ alertname: 'K', id }))));
    await until(() => open.every((name) => toldAt('/second', good.requests).has(name)), 60_000);
    expect(accepted.length).toBeGreaterThan(rounds);
    const twice = (told: Map<string, number>): unknown[] => [...told].filter(([, count]) => count > 2);
    expect(twice(toldAt('/good', good.requests))).toEqual([]);
    expect(twice(toldAt('/second', good.requests))).toEqual([]);
    expect(twice(toldAt('/bad', bad.requests.slice(failed)))).toEqual([]);
    const held = (await (await fetch(`${monitor.url}/api/v2/silences`)).json()) as { id: string }[];
    const ids = new Set(held.map(({ id }) => id));
    expect(silences.filter((id) => !ids.has(id))).toEqual([]);
    for (const fingerprint of acknowledged) {
      const { care } = (await (await fetch(`${monitor.url}/api/alerts/${fingerprint}`)).json()) as {
        care: { acknowledged?: { by: string } };
      };
      expect(care.acknowledged?.by).toBe('me');
    }
  }, 600_000);
});

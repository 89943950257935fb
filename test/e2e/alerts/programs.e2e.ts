/**
 * A monitor process with real programs around it: amtool adds, queries and silences; a Prometheus sends its alerts; an
 * Alertmanager takes ours. Needs amtool, Prometheus and Alertmanager.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { httpService } from '../../support/alerts/http-service.ts';
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

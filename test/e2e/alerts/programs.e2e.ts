/**
 * A monitor process with real programs around it: amtool adds, queries and silences; a Prometheus sends its alerts; and the
 * process is killed again and again while alerts arrive. Needs amtool and Prometheus for the first two.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { httpService } from '../../support/alerts/http-service.ts';
import { freshDir, missingPrograms, neededProgram, runToEnd, runWell } from '../../support/program.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { startPrometheus } from '../../support/programs/observability-programs.ts';
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
    await using monitor = await startMonitorProcess({ dir, keepDir: true, config: CONFIG });
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
      `route: { receiver: a, group_wait: 0s, group_interval: 1s }\nreceivers: [{ name: a, webhook_configs: [{ url: '${hook.url}/a' }] }]\n`,
    );
    await using monitor = await startMonitorProcess({ dir, keepDir: true, config: CONFIG });
    const rules = path.join(dir, 'rules.yml');
    writeFileSync(
      rules,
      `groups: [{ name: g, interval: 1s, rules: [{ alert: FromPrometheus, expr: 'vector(1)', labels: { team: x }, annotations: { summary: s } }] }]\n`,
    );
    await using prometheus = await startPrometheus({
      config: `global: { scrape_interval: 1h, evaluation_interval: 1s }\nrule_files: [${rules}]\nalerting: { alertmanagers: [{ static_configs: [{ targets: ['${monitor.url.replace('http://', '')}'] }] }] }\n`,
      flags: ['--web.enable-lifecycle'],
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

describe('kill -9', () => {
  /** Each round starts a process; more of them run at night. */
  const rounds = process.env['VITRINE_NIGHTLY'] === '1' ? 100 : 4;

  it('loses no accepted alert or silence, and tells of each alert once, and at most once more', async () => {
    await using hook = await httpService();
    const dir = workDir(
      `route: { receiver: a, group_by: ['...'], group_wait: 0s, group_interval: 1h }\nreceivers: [{ name: a, webhook_configs: [{ url: '${hook.url}/a' }] }]\n`,
    );
    const random = seededRandom(7);
    const accepted: string[] = [];
    const silences: string[] = [];
    const post = (url: string, at: string, body: unknown): Promise<Response> =>
      fetch(`${url}/api/v2/${at}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    for (let round = 0; round < rounds; round += 1) {
      const monitor = await startMonitorProcess({ dir, keepDir: true, config: CONFIG });
      // Alerts arrive until the kill cuts one off.
      const sending = (async () => {
        for (let at = 0; ; at += 1) {
          const name = `r${round}-${at}`;
          const made = await post(monitor.url, 'silences', {
            matchers: [{ name: 'x', value: name, isRegex: false }],
            startsAt: new Date().toISOString(),
            endsAt: new Date(Date.now() + 3_600_000).toISOString(),
            createdBy: 'me',
            comment: name,
          });
          if (made.ok) silences.push(((await made.json()) as { silenceID: string }).silenceID);
          const taken = await post(monitor.url, 'alerts', [{ labels: { alertname: 'K', id: name } }]);
          if (taken.ok) accepted.push(name);
        }
      })().catch(() => {});
      const before = accepted.length;
      const wanted = 1 + Math.floor(random() * 25);
      await until(() => accepted.length >= before + wanted, 60_000);
      await monitor.stop('SIGKILL');
      await sending;
    }
    await using monitor = await startMonitorProcess({ dir, keepDir: true, config: CONFIG });
    const told = (): Map<string, number> => {
      const counts = new Map<string, number>();
      for (const { alerts } of payloads(hook.requests)) {
        for (const { labels } of alerts) counts.set(labels['id'] ?? '', (counts.get(labels['id'] ?? '') ?? 0) + 1);
      }
      return counts;
    };
    await until(() => accepted.every((name) => told().has(name)), 60_000);
    expect(accepted.length).toBeGreaterThan(rounds);
    expect([...told()].filter(([, count]) => count > 2)).toEqual([]);
    const kept = (await (await fetch(`${monitor.url}/api/v2/silences`)).json()) as { id: string }[];
    const ids = new Set(kept.map(({ id }) => id));
    expect(silences.filter((id) => !ids.has(id))).toEqual([]);
  }, 600_000);
});

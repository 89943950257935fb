/**
 * The same configuration and the same alerts to a real Alertmanager and to Vitrine's pipeline: one webhook of each receives the
 * same groups with the same members in the same order. Scenarios take real time, so many run side by side; one that differs
 * runs again by itself, because a machine under load can move a step past a flush. Needs Alertmanager
 * (test/support/programs/install.sh alertmanager).
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { assembled } from '../../../src/monitor/alerts/notify/assemble.ts';
import { readNotifyFile } from '../../../src/monitor/alerts/notify/file/read.ts';
import { Pipeline } from '../../../src/monitor/alerts/notify/pipeline.ts';
import { RECEIVER_KINDS } from '../../../src/monitor/alerts/notify/receivers/table.ts';
import { Ledger } from '../../../src/monitor/alerts/notify/state/ledger.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import { Renderer } from '../../../src/monitor/alerts/notify/template/renderer.ts';
import { alertsFrom, silenceFrom } from '../../../src/monitor/api/alerts/v2-forms.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { httpService, type HttpService } from '../../support/alerts/http-service.ts';
import { receiverTools } from '../../support/alerts/notifications.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { freshDir, missingPrograms, neededProgram, startServer } from '../../support/program.ts';
import { SCENARIOS, type Scenario, type Step } from './scenarios.ts';

const missing = missingPrograms('the differential of notifications', 'alertmanager');
const AT_ONCE = 20;

/** One of the two programs. */
interface Side extends AsyncDisposable {
  post(path: string, body: unknown): Promise<string>;
  expire(id: string): Promise<void>;
}

const configText = ({ config }: Scenario, hook: HttpService): string =>
  JSON.stringify(config).replaceAll('HOOK', hook.url);

async function alertmanager(scenario: Scenario, hook: HttpService): Promise<Side> {
  const dir = freshDir('vitrine-am');
  const file = path.join(dir, 'am.yml');
  writeFileSync(file, configText(scenario, hook));
  const port = await freePort();
  const args = [
    `--config.file=${file}`,
    `--storage.path=${dir}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--cluster.listen-address=',
  ];
  const server = await startServer(neededProgram('alertmanager'), args, {
    ownDir: dir,
    readyUrl: `http://127.0.0.1:${port}/-/ready`,
  });
  return {
    async post(at, body) {
      const answer = await fetch(`${server.url}/api/v2/${at}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text;
    },
    async expire(id) {
      await fetch(`${server.url}/api/v2/silence/${id}`, { method: 'DELETE' });
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function vitrine(scenario: Scenario, hook: HttpService): Side {
  const dir = freshDir('vitrine-notify');
  const { config, issues } = readNotifyFile(configText(scenario, hook), 'am.yml', RECEIVER_KINDS);
  if (config === undefined) throw new Error(issues.join('\n'));
  const state = openStateDatabase({ dir, owners: [NOTIFY_OWNER], clock: systemClock, logger: silentLogger });
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const pipeline = new Pipeline({
    config: assembled(config, receiverTools(), new Renderer()),
    state,
    ledger: new Ledger(state, { retentionMs: 86_400_000, maxEvents: 10_000 }, onFailure),
    clock: systemClock,
    random: systemRandom,
    sources: { externalUrl: '', contextOf: () => Promise.resolve({}), pictureOf: () => Promise.resolve(undefined) },
    // As Alertmanager does.
    resolveThroughMutes: false,
    figures: { notified() {}, failed() {}, suppressed() {}, refused() {} },
    onFailure,
  });
  return {
    async post(at, body) {
      if (at === 'alerts') return (await pipeline.take(alertsFrom(body))).join();
      const { silence } = await pipeline.silences.set(silenceFrom(body), Date.now());
      return JSON.stringify({ silenceID: silence.id });
    },
    async expire(id) {
      await pipeline.silences.expire(id, Date.now());
    },
    async [Symbol.asyncDispose]() {
      await pipeline.close();
      await state[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
      expect(failures).toEqual([]);
    },
  };
}

const iso = (ms: number): string => new Date(ms).toISOString();

async function perform(
  side: Side,
  { alerts, silence, expire }: Step,
  startMs: number,
  ids: (string | undefined)[],
): Promise<void> {
  const nowMs = Date.now();
  if (alerts !== undefined) {
    const body = alerts.map(({ labels, ends, age = 0 }) => ({
      labels,
      startsAt: iso(startMs - age * 1_000),
      ...(ends === true ? { endsAt: iso(nowMs) } : {}),
    }));
    await side.post('alerts', body);
  }
  if (silence !== undefined) {
    const startsAt = nowMs + (silence.after ?? 0) * 1_000;
    const endsAt = iso(startsAt + silence.seconds * 1_000);
    const body = { matchers: silence.matchers, startsAt: iso(startsAt), endsAt, createdBy: 'x', comment: 'y' };
    ids.push((JSON.parse(await side.post('silences', body)) as { silenceID: string }).silenceID);
  } else ids.push(undefined);
  if (expire !== undefined) await side.expire(ids[expire] ?? '');
}

/** Real time is what is compared, so this is the one test that waits for times. */
const until = (atMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, atMs - Date.now())));

interface Payload {
  readonly status: string;
  readonly groupLabels: Record<string, string>;
  readonly groupKey: string;
  readonly truncatedAlerts: number;
  readonly commonLabels: Record<string, string>;
  readonly alerts: readonly { status: string; labels: Record<string, string>; fingerprint: string }[];
}

const sorted = (labels: Record<string, string>): string =>
  JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** The notifications of each path and group, in order. */
function shapeOf(hook: HttpService): Record<string, string[]> {
  const shape: Record<string, string[]> = {};
  for (const { path: at, body } of hook.requests) {
    const sent = JSON.parse(body) as Payload;
    const alerts = sent.alerts.map((one) => `${one.status} ${one.fingerprint} ${sorted(one.labels)}`);
    const line = `${sent.status} ${sorted(sent.commonLabels)} +${sent.truncatedAlerts} [${alerts.join(' | ')}]`;
    (shape[`${at} ${sent.groupKey} ${sorted(sent.groupLabels)}`] ??= []).push(line);
  }
  return Object.fromEntries(Object.entries(shape).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** How far apart the two sent the same message, at most; of groups that differ nothing is said. */
function apartMs(theirs: HttpService, ours: HttpService): number {
  const timesOf = ({ requests }: HttpService): Map<string, number[]> => {
    const times = new Map<string, number[]>();
    for (const { path: at, body, atMs } of requests) {
      const { groupKey, groupLabels } = JSON.parse(body) as Payload;
      const key = `${at} ${groupKey} ${sorted(groupLabels)}`;
      times.set(key, [...(times.get(key) ?? []), atMs]);
    }
    return times;
  };
  const other = timesOf(ours);
  const apart = [...timesOf(theirs)].flatMap(([key, times]) => {
    const mine = other.get(key) ?? [];
    return times.length === mine.length ? times.map((atMs, at) => Math.abs(atMs - mine[at])) : [];
  });
  return Math.max(0, ...apart);
}

interface Outcome {
  readonly name: string;
  readonly theirs: object;
  readonly ours: object;
  readonly apartMs: number;
}

async function play(scenario: Scenario): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const hooks = [stack.use(await httpService()), stack.use(await httpService())];
  const sides = [stack.use(await alertmanager(scenario, hooks[0])), stack.use(vitrine(scenario, hooks[1]))];
  const startMs = Date.now();
  const ids: (string | undefined)[][] = [[], []];
  for (const step of scenario.steps) {
    await until(startMs + step.at * 1_000);
    await Promise.all(sides.map((side, at) => perform(side, step, startMs, ids[at])));
  }
  await until(startMs + scenario.seconds * 1_000);
  const shapes = { theirs: shapeOf(hooks[0]), ours: shapeOf(hooks[1]) };
  return { name: scenario.name, ...shapes, apartMs: apartMs(hooks[0], hooks[1]) };
}

/** Below the 2 s between two flushes of most scenarios: a message that came one flush late is found. */
const MOST_APART_MS = 1_500;

const differs = ({ theirs, ours, apartMs: apart }: Outcome): boolean =>
  JSON.stringify(theirs) !== JSON.stringify(ours) || apart > MOST_APART_MS;

describe.skipIf(missing.length > 0)('Alertmanager and Vitrine', () => {
  it('has scenarios that send something', () => {
    expect(SCENARIOS.length).toBeGreaterThanOrEqual(80);
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  });

  it('send the same notifications from the same file', async () => {
    const outcomes: Outcome[] = [];
    for (let at = 0; at < SCENARIOS.length; at += AT_ONCE) {
      outcomes.push(...(await Promise.all(SCENARIOS.slice(at, at + AT_ONCE).map(play))));
    }
    // The comparison can only hold when there is something to compare.
    expect(outcomes.filter(({ theirs }) => Object.keys(theirs).length > 0).length).toBeGreaterThan(40);
    const apart = outcomes.map((one) => one.apartMs).toSorted((a, b) => a - b);
    console.log(
      `${outcomes.length} scenarios; the same message came at most ${Math.round(apart.at(-1) ?? 0)} ms apart, ${Math.round(apart[Math.floor(apart.length / 2)] ?? 0)} ms in the median`,
    );
    const different = [];
    for (const first of outcomes.filter(differs)) {
      let last = first;
      for (let tries = 0; tries < 2 && differs(last); tries += 1) {
        last = await play(SCENARIOS.find(({ name }) => name === first.name) as Scenario);
      }
      if (differs(last)) different.push(last);
    }
    expect(different).toEqual([]);
  }, 600_000);
});

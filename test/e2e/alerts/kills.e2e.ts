/**
 * A monitor that is killed again and again at random points of its pipeline, while alerts, silences and acknowledgements arrive
 * and a receiver hangs, fails or talks nonsense, or the disk is full: what was accepted is kept, and each alert is told at
 * least once and at most once more. `VITRINE_NIGHTLY=1` kills it a hundred times.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { Labels } from '../../../src/model/labels.ts';
import { fingerprintOf } from '../../../src/monitor/alerts/notify/steps/fingerprint.ts';
import { httpService, type Behaviour, type RecordedRequest } from '../../support/alerts/http-service.ts';
import { freshDir } from '../../support/program.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { until } from '../../support/until.ts';

/** Each round starts a process. */
const ROUNDS = process.env['VITRINE_NIGHTLY'] === '1' ? 100 : 6;
/** Events of a round before its kill: alerts and acts that are sent and answered, and messages that arrive. */
const MOST_EVENTS = 80;
const DISK_MIB = 192;

/** Alerts with `wait` are killed while their group waits. */
const alertmanager = (good: string, bad: string): string => `
route:
  group_by: ['...']
  group_wait: 0s
  group_interval: 1h
  receiver: good
  routes:
  - { receiver: bad, continue: true }
  - { receiver: good, matchers: [wait="yes"], group_wait: 1s }
  - { receiver: good }
receivers:
- { name: good, webhook_configs: [{ url: '${good}/good' }] }
- { name: bad, webhook_configs: [{ url: '${bad}/bad', timeout: 1s }] }
- { name: second, webhook_configs: [{ url: '${good}/second' }] }
`;
const CONFIG = `notify:
  file: am.yml
  escalation:
    good: { steps: [{ notify: [good] }, { notify: [second], after: 1s }] }
`;
const HANGS: Behaviour = { kind: 'hang' };
const TROUBLES: readonly (Behaviour | 'full disk')[] = [
  HANGS,
  { kind: 'answer', status: 500 },
  { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
  { kind: 'garbage' },
  { kind: 'close' },
  'full disk',
];

/** How often each alert was told, by its id. */
class Told {
  readonly counts = new Map<string, number>();

  add({ body }: Pick<RecordedRequest, 'body'>): void {
    const { alerts } = JSON.parse(body) as { readonly alerts: readonly { readonly labels: Record<string, string> }[] };
    for (const { labels } of alerts) {
      const id = labels['id'] ?? '';
      this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    }
  }

  has = (id: string): boolean => this.counts.has(id);

  over(limit: number): [string, number][] {
    return [...this.counts].filter(([, count]) => count > limit);
  }
}

/** Kills at the event that was chosen. */
function tripwire(): { readonly set: (events: number, kill: () => void) => void; readonly touch: () => void } {
  let left = Infinity;
  let act = (): void => {};
  return {
    set(events, kill) {
      left = events;
      act = kill;
    },
    touch() {
      left -= 1;
      if (left === 0) act();
    },
  };
}

/** What the monitor answered with success. */
interface Kept {
  readonly alerts: string[];
  readonly acknowledged: Set<string>;
  /** Also those whose acknowledgement was cut off: it may be kept or not. */
  readonly asked: Set<string>;
  readonly silences: string[];
  refused: number;
}

const labelsOf = (id: string): Record<string, string> => ({
  alertname: 'K',
  id,
  ...(id.endsWith('1') ? { wait: 'yes' } : {}),
});
const fingerprint = (id: string): string => fingerprintOf(Labels.from(labelsOf(id)));

/** Without the room that SQLite has reserved in its log, so that a full disk is felt at once. */
function shortenLog(data: string): void {
  const file = path.join(data, 'state.db');
  if (!existsSync(file)) return;
  using db = new DatabaseSync(file);
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
}

/** Sends until nobody answers any more. */
async function sendTo(
  url: string,
  round: number,
  kept: Kept,
  { touch, refused }: { readonly touch: () => void; readonly refused: () => void },
): Promise<void> {
  const endsAt = new Date(Date.now() + 3_600_000).toISOString();
  const post = async (to: string, body: unknown): Promise<Record<string, unknown> | undefined> => {
    touch();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${url}${to}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) {
      kept.refused += 1;
      refused();
    }
    touch();
    return answer.ok ? ((text === '' ? {} : JSON.parse(text)) as Record<string, unknown>) : undefined;
  };
  for (let at = 0; ; at += 1) {
    const id = `r${round}-${at}`;
    const matchers = [{ name: 'x', value: id, isRegex: false }];
    const span = { startsAt: new Date().toISOString(), endsAt };
    const silence = await post('/api/v2/silences', { ...span, matchers, createdBy: 'me', comment: id });
    if (silence !== undefined) kept.silences.push(String(silence['silenceID']));
    if ((await post('/api/v2/alerts', [{ labels: labelsOf(id), endsAt }])) === undefined) continue;
    kept.alerts.push(id);
    if (at % 3 !== 0) continue;
    kept.asked.add(id);
    const acknowledged = await post(`/api/alerts/${fingerprint(id)}/ack`, { by: 'me' });
    if (acknowledged !== undefined) kept.acknowledged.add(id);
  }
}

it(
  'loses no alert, silence, acknowledgement or escalation; each is told once, and at most once more',
  async () => {
    const dir = freshDir('vitrine-kills');
    const data = path.join(dir, 'data');
    mkdirSync(data, { mode: 0o700 });
    const disk = smallDisk(data, DISK_MIB);
    if (disk === undefined) console.log('skipped: kills on a full disk need a user who may mount');
    using cleanUp = new DisposableStack();
    cleanUp.defer(() => rmSync(dir, { recursive: true, force: true }));
    cleanUp.use(disk ?? null);

    const wire = tripwire();
    const told = { good: new Told(), second: new Told(), bad: new Told() };
    await using good = await httpService(undefined, (request) => {
      (request.path === '/good' ? told.good : told.second).add(request);
      wire.touch();
    });
    await using bad = await httpService(HANGS, (request) => {
      told.bad.add(request);
      wire.touch();
    });
    writeFileSync(path.join(dir, 'am.yml'), alertmanager(good.url, bad.url));
    const start = (): ReturnType<typeof startMonitorProcess> =>
      startMonitorProcess({ dir, keepDir: true, built: true, config: CONFIG });

    const kept: Kept = { alerts: [], acknowledged: new Set(), asked: new Set(), silences: [], refused: 0 };
    const open = (): string[] => kept.alerts.filter((id) => !kept.asked.has(id));
    const missing = (): object => ({
      good: kept.alerts.filter((id) => !told.good.has(id)),
      second: open().filter((id) => !told.second.has(id)),
    });
    /** The good receiver is told of everything, whatever the bad one does. */
    const settled = (): Promise<unknown> =>
      until(
        () => kept.alerts.every(told.good.has) && open().every(told.second.has),
        120_000,
        () => `not told: ${JSON.stringify(missing())}`,
      );
    const random = seededRandom(7);
    for (let round = 0; round < ROUNDS; round += 1) {
      const trouble = TROUBLES[round % TROUBLES.length] ?? HANGS;
      bad.behave(trouble === 'full disk' ? HANGS : trouble);
      if (trouble === 'full disk') shortenLog(data);
      await using monitor = await start();
      // What the last kill cut off is told again before the next one.
      await settled();
      let isArmed = false;
      const arm = (): void => {
        if (!isArmed) wire.set(1 + Math.floor(random() * MOST_EVENTS), () => monitor.child.kill('SIGKILL'));
        isArmed = true;
      };
      // On a full disk the count begins with the first call that is refused.
      if (trouble === 'full disk' && disk !== undefined) disk.fill();
      else arm();
      await sendTo(monitor.url, round, kept, { touch: wire.touch, refused: arm }).catch(() => {});
      await monitor.exited;
      disk?.free();
    }

    // Until now the bad receiver has taken nothing.
    told.bad.counts.clear();
    bad.behave({ kind: 'answer', status: 200 });
    await using monitor = await start();
    await settled();
    await until(
      () => kept.alerts.every(told.bad.has),
      120_000,
      () => `the bad receiver was not told of ${JSON.stringify(kept.alerts.filter((id) => !told.bad.has(id)))}`,
    );
    const [alerts, silences] = [kept.alerts.length, kept.silences.length];
    const twice = Object.fromEntries(Object.entries(told).map(([name, one]) => [name, one.over(1).length]));
    console.log(JSON.stringify({ kills: ROUNDS, alerts, silences, acknowledged: kept.acknowledged.size, twice }));
    expect(alerts).toBeGreaterThan(ROUNDS);
    if (disk !== undefined) expect(kept.refused).toBeGreaterThan(0);
    expect(Object.entries(told).flatMap(([name, one]) => one.over(2).map((over) => [name, ...over]))).toEqual([]);
    const held = (await (await fetch(`${monitor.url}/api/v2/silences`)).json()) as { id: string }[];
    const ids = new Set(held.map(({ id }) => id));
    expect(kept.silences.filter((id) => !ids.has(id))).toEqual([]);
    for (const id of kept.acknowledged) {
      const answer = await fetch(`${monitor.url}/api/alerts/${fingerprint(id)}`);
      expect(await answer.json()).toMatchObject({ care: { acknowledged: { by: 'me' } } });
    }
  },
  60_000 + ROUNDS * 30_000,
);

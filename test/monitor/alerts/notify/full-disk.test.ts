/** A disk that is full, as SQLite reports it, while the pipeline works. */
import { afterEach, describe, expect, it } from 'vitest';
import { Labels, type Matcher } from '../../../../src/model/labels.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

const HOUR = 3_600_000;
const CONFIG = `
route: { receiver: a, group_by: ['...'], group_wait: 1s, group_interval: 10s, repeat_interval: 12h }
receivers: [{ name: a, webhook_configs: [{ to: a }] }]
`;

/** No page more than now: a change that needs one fails with SQLITE_FULL. */
function fill(): void {
  const { db } = rig.state();
  const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number };
  db.exec(`PRAGMA max_page_count = ${pages}`);
}
const free = (): void => rig.state().db.exec('PRAGMA max_page_count = 1000000');

const long = (id: string): Promise<string[]> =>
  rig.fire(id, {}, { annotations: { summary: 'x'.repeat(6_000) }, startsAtMs: rig.clock.now() });

const told = (): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { alerts } of rig.sent) for (const id of alerts.split(' ')) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
};

describe('a full disk', () => {
  it('refuses what it cannot keep, tells what it accepted, and loses nothing of it', async () => {
    rig = await pipelineRig(CONFIG);
    const accepted: string[] = [];
    const refused: string[] = [];
    const send = async (id: string): Promise<void> => {
      await long(id).then(
        () => accepted.push(id),
        () => refused.push(id),
      );
    };
    for (let at = 0; at < 5; at += 1) await send(`before-${at}`);
    const silence = {
      matchers: [],
      createdBy: 'me',
      comment: 'c',
      annotations: {},
      startsAtMs: START,
      endsAtMs: START + 3_600_000,
    };
    fill();
    for (let at = 0; at < 20; at += 1) await send(`full-${at}`);
    expect(refused.length).toBeGreaterThan(0);
    const made = await rig.pipeline.silences
      .set({ ...silence, matchers: [{ name: 'x', op: '=', value: 'y' }], comment: 'z'.repeat(8_000) }, rig.clock.now())
      .then(
        () => 'kept',
        (error: unknown) => String(error),
      );
    expect(made).toContain('full');
    await rig.advance(5);
    // Whoever accepted an alert also tells it, although nothing can be written.
    expect(accepted.filter((id) => !told().has(`+${id}`))).toEqual([]);
    expect(rig.failures.length).toBeGreaterThan(0);
    free();
    // The senders come again with what was refused.
    for (const id of refused.splice(0)) await send(id);
    await rig.advance(15);
    await rig.restart();
    await rig.advance(15);
    const all = told();
    expect(accepted.filter((id) => !all.has(`+${id}`))).toEqual([]);
    // A message whose log could not be written is repeated after a restart, once.
    expect([...all].filter(([, count]) => count > 2)).toEqual([]);
    const kept = new Set([...rig.pipeline.alerts.values()].map(({ labels }) => labels.get('id')));
    expect(accepted.filter((id) => !kept.has(id))).toEqual([]);
  });

  it('does not repeat messages while it lasts', async () => {
    rig = await pipelineRig(CONFIG);
    await long('1');
    fill();
    await rig.advance(120);
    expect(told()).toEqual(new Map([['+1', 1]]));
  });

  it('does nothing that it answered with an error: silences, windows, acknowledgements', async () => {
    rig = await pipelineRig(CONFIG);
    const { silences, maintenance, care } = rig.pipeline;
    const now = rig.clock.now();
    const labels = (id: string): Labels => Labels.from({ alertname: 'Down', id });
    const matchers = (id: string): Matcher[] => [{ name: 'id', op: '=', value: id }];
    const span = { startsAtMs: now, endsAtMs: now + HOUR, createdBy: 'me', annotations: {} };
    const { silence } = await silences.set({ ...span, matchers: matchers('old'), comment: 'c' }, now);
    const schedule = { kind: 'once', fromMs: now, toMs: now + HOUR } as const;
    const window = { name: 'w', schedule, createdBy: 'me', comment: '' };
    await maintenance.set({ ...window, matchers: matchers('old') });
    const [fingerprint = ''] = [...rig.pipeline.alerts.values()].map((alert) => alert.fingerprint);
    fill();
    const big = 'x'.repeat(60_000);
    const refused = await Promise.allSettled([
      silences.set({ ...span, matchers: matchers('new'), comment: big }, now),
      // Other matchers: the former silence would end, and a new one begin.
      silences.set({ ...span, id: silence.id, matchers: matchers('new'), comment: big }, now),
      maintenance.set({ ...window, matchers: matchers('new'), comment: big }),
      care.act(fingerprint, { kind: 'ack', by: big.slice(0, 4_000) }, now),
    ]);
    expect(refused.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    expect(silences.all()).toEqual([silence]);
    expect([silences.silencedBy(labels('new'), now), silences.silencedBy(labels('old'), now)?.id]).toEqual([
      undefined,
      silence.id,
    ]);
    expect([maintenance.muting(labels('new'), now), maintenance.muting(labels('old'), now)]).toEqual([undefined, 'w']);
    expect(care.of(fingerprint).acknowledged).toBeUndefined();
    free();
    await silences.set({ ...span, matchers: matchers('new'), comment: big }, now);
    expect(silences.silencedBy(labels('new'), now)).toBeDefined();
  });
});

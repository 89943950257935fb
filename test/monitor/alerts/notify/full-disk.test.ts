/** A disk that is full, as SQLite reports it, while the pipeline works. */
import { afterEach, describe, expect, it } from 'vitest';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
afterEach(() => rig[Symbol.asyncDispose]());

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
});

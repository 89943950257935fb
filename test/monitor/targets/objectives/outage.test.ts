/**
 * The way of a total outage with a moved clock: rows of the ledger as they come, their counter as it is stored each second, and the rules
 * each five seconds. `node test/bench/outage.ts` measures the same way on a live stack.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { testRules } from '../../../../src/app/monitor/rule-tests.ts';
import { burnRuleFile } from '../../../../src/monitor/targets/objectives/burn-rules.ts';
import { RequestEvents } from '../../../../src/monitor/targets/objectives/request-events.ts';
import { objectiveConfig } from '../../../../src/monitor/targets/objectives/schema.ts';
import { rowOf } from '../../../support/records/plain-records.ts';

const HOUR_S = 3_600;
const PER_SECOND = 4;
/** Right after an evaluation, which is the worst moment for it to begin. */
const OUTAGE_S = HOUR_S + 1;
const GOAL_S = 60;
const END_S = OUTAGE_S + 70;

const shop = objectiveConfig.parse({ name: 'shop', objective: '99.9%', requests: { good: 'status:<500' } });

/** The counter at each second. Rows of a second come with the frame after it; the store has the counter a second after each count. */
function counted(): { good: number[]; bad: number[] } {
  const events = new RequestEvents();
  events.replace([shop]);
  const [good, bad]: [number[], number[]] = [[], []];
  for (let second = 0; second <= END_S; second += 1) {
    const [, counts] = [...events.counts()][0];
    good.push(counts.good);
    bad.push(counts.total - counts.good);
    const status = second >= OUTAGE_S ? 503 : 200;
    const rows = Array.from({ length: PER_SECOND }, (_, at) =>
      rowOf(second * PER_SECOND + at, second * 1_000, { status }),
    );
    events.take(rows, (second + 1) * 1_000);
    events.tick((second + 1) * 1_000);
  }
  return { good, bad };
}

test('a total outage at 99.9 % pages within 60 s, after an hour of steady traffic', async () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'outage-'));
  const { good, bad } = counted();
  expect([good.at(-1), bad.at(-1)]).toEqual([OUTAGE_S * PER_SECOND, (END_S - OUTAGE_S - 1) * PER_SECOND]);
  const series = (result: string, values: number[]): object => ({
    series: `vitrine_slo_events_total{slo="shop",result="${result}",job="vitrine-monitor"}`,
    values: values.join(' '),
  });
  const firing = `max(min_over_time(timestamp(ALERTS{alertstate="firing",alertname="SloFastBurn"})[2m:5s]))`;
  writeFileSync(path.join(dir, 'rules.yaml'), burnRuleFile([shop]));
  writeFileSync(
    path.join(dir, 'test.yaml'),
    JSON.stringify({
      rule_files: ['rules.yaml'],
      evaluation_interval: '5s',
      tests: [
        {
          interval: '1s',
          input_series: [series('good', good), series('bad', bad)],
          promql_expr_test: [
            // 51.84 s of the hour must be bad, and are counted 2 s later: the rule of second 3,655 sees 52 of them.
            { expr: firing, eval_time: `${OUTAGE_S + GOAL_S}s`, exp_samples: [{ labels: '{}', value: 3_655 }] },
          ],
        },
      ],
    }),
  );
  const outcomes = await testRules([path.join(dir, 'test.yaml')]);
  expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
  rmSync(dir, { recursive: true });
}, 300_000);

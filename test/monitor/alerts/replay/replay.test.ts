/** The time machine: episodes as live rules would have found them, pages as the pipeline would have sent them, and incidents. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { pagingOf } from '../../../../src/monitor/alerts/replay/paging.ts';
import { played, type Episode } from '../../../../src/monitor/alerts/replay/episodes.ts';
import { incidentsOf, judged } from '../../../../src/monitor/alerts/replay/incidents.ts';
import { replay } from '../../../../src/monitor/alerts/replay/replay.ts';
import { RuleGroup } from '../../../../src/monitor/alerts/rules/group.ts';
import { shortFormRule } from '../../../../src/monitor/alerts/rules/short-form.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import type { AlertingSpec } from '../../../../src/monitor/alerts/rules/spec.ts';
import { embeddedQuerier } from '../../../../src/monitor/promql/embedded.ts';
import { MemorySource } from '../../../support/promql/memory-source.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

const S = 1_000;
const T0 = START;

function ruleOf(text: string): AlertingSpec {
  const [{ rules }] = parseRuleFile(`groups: [{ name: g, rules: [${text}] }]`, 'r.yaml');
  return rules[0] as AlertingSpec;
}

/** A gauge with one value a second. */
function filled(
  values: readonly (number | undefined)[],
  labels: Record<string, string> = {},
  source = new MemorySource(),
): MemorySource {
  const samples = values.flatMap((v, i) => (v === undefined ? [] : [{ t: T0 + i * S, v }]));
  source.add(Labels.from({ __name__: 'load', ...labels }), samples);
  return source;
}

/** What a live group finds on the same samples, one tick a second. */
async function live(spec: AlertingSpec, source: MemorySource, seconds: number): Promise<string[]> {
  let nowMs = T0;
  const seen: string[] = [];
  const group = new RuleGroup(
    { name: 'g', file: 'f', intervalMs: S, queryOffsetMs: 0, limit: 0, rules: [spec] },
    {
      querier: embeddedQuerier(source),
      samples: source,
      alerts: { alerts: () => {} },
      clock: { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} },
      logger: {
        ...silentLogger,
        info: ({ from, to }) => void seen.push(`${(nowMs - T0) / S} ${String(from)}>${String(to)}`),
      },
      externalLabels: Labels.empty,
      externalUrl: '',
      resendMs: 60_000,
      paused: () => undefined,
      own: undefined,
      memory: undefined,
      digestOf: undefined,
      rareLine: () => {},
      graceMs: Infinity,
      outageToleranceMs: 0,
      queryTimeoutMs: 60_000,
    },
    S,
  );
  for (let i = 0; i <= seconds; i += 1) {
    nowMs = T0 + i * S;
    await group.evaluate(nowMs);
  }
  return seen;
}

const asTransitions = (episodes: readonly Episode[]): string[] =>
  episodes.flatMap(({ pendingAtMs, firedAtMs, endedAtMs }) => {
    const at = (ms: number): number => (ms - T0) / S;
    const begin = firedAtMs === undefined ? [`${at(pendingAtMs)} inactive>pending`] : [];
    const fired =
      firedAtMs === undefined
        ? []
        : [
            ...(firedAtMs > pendingAtMs ? [`${at(pendingAtMs)} inactive>pending`] : []),
            `${at(firedAtMs)} ${firedAtMs > pendingAtMs ? 'pending' : 'inactive'}>firing`,
          ];
    const end =
      endedAtMs === undefined ? [] : [`${at(endedAtMs)} ${firedAtMs === undefined ? 'pending' : 'firing'}>inactive`];
    return [...begin, ...fired, ...end];
  });

const rangeOf = (seconds: number) => ({ fromMs: T0, toMs: T0 + seconds * S, stepMs: S });

describe('episodes', () => {
  it('finds what the live rule finds, for any history, `for` and keep_firing_for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }), { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        async (values, forSeconds, keepSeconds) => {
          const spec = ruleOf(`{ alert: A, expr: load > 1, for: ${forSeconds}s, keep_firing_for: ${keepSeconds}s }`);
          const { episodes } = await played(spec, rangeOf(values.length), embeddedQuerier(filled(values)), {});
          expect(asTransitions(episodes)).toEqual(await live(spec, filled(values), values.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('finds what a live rule with a second threshold finds', async () => {
    const spec = { ...shortFormRule({ name: 'Q', metric: 'queue_size', above: 10, recover: 5, over: '1s' }) };
    const values = [0, 11, 7, 6, 4, 7, 11, 6, 5, 3, 11];
    const source = (): MemorySource => {
      const made = new MemorySource();
      made.add(
        Labels.from({ __name__: 'vitrine_balancer_queue_size', job: 'b' }),
        values.map((v, i) => ({ t: T0 + i * S, v })),
      );
      return made;
    };
    const { episodes } = await played(spec, rangeOf(values.length - 1), embeddedQuerier(source()), {});
    const expected = [
      '1 inactive>firing',
      '4 firing>inactive',
      '6 inactive>firing',
      '8 firing>inactive',
      '10 inactive>firing',
    ];
    expect(await live(spec, source(), values.length - 1)).toEqual(expected);
    expect(asTransitions(episodes)).toEqual(expected);
  });

  it('counts the time before the range towards `for`', async () => {
    const spec = ruleOf('{ alert: A, expr: load > 1, for: 10s }');
    const source = filled(Array.from({ length: 30 }, () => 2));
    const { episodes } = await played(
      spec,
      { fromMs: T0 + 12 * S, toMs: T0 + 20 * S, stepMs: S },
      embeddedQuerier(source),
      {},
    );
    expect(episodes[0].firedAtMs).toBe(T0 + 12 * S);
  });
});

describe('pages', () => {
  let rig: Rig | undefined;
  afterEach(async () => {
    await rig?.[Symbol.asyncDispose]();
    rig = undefined;
  });
  const CONFIG = `route:
  receiver: a
  group_by: [alertname]
  group_wait: 10s
  group_interval: 30s
  repeat_interval: 2m
  routes: [{ matchers: ['id=~"2|3"'], receiver: b, continue: true, group_wait: 0s }, { receiver: a }]
receivers:
- { name: a, webhook_configs: [{ to: a }] }
- { name: b, webhook_configs: [{ to: b, send_resolved: false }] }
inhibit_rules: [{ source_matchers: ['id="1"'], target_matchers: ['id="3"'] }]
`;

  it.each([1, 2, 3, 4, 5, 6])('are those that the pipeline sends for the same script (%i)', async (seed) => {
    rig = await pipelineRig(CONFIG);
    const [script] = fc.sample(
      fc.array(
        fc.record({
          id: fc.constantFrom('1', '2', '3'),
          at: fc.integer({ min: 1, max: 300 }),
          for: fc.integer({ min: 2, max: 90 }),
        }),
        {
          minLength: 2,
          maxLength: 10,
        },
      ),
      { seed, numRuns: 1 },
    );
    // One alert at a time for each id.
    const ends = new Map<string, number>();
    const turns = script
      .toSorted((a, b) => a.at - b.at)
      .filter(({ id, at, for: length }) => {
        if (at <= (ends.get(id) ?? 0) + 1) return false;
        ends.set(id, at + length);
        return true;
      });
    for (let second = 1; second <= 500; second += 1) {
      await rig.advance(1);
      for (const { id, at, for: length } of turns) {
        if (at === second) await rig.fire(id);
        if (at + length === second) await rig.resolve(id);
      }
    }
    const episodes = turns.map(({ id, at, for: length }) => ({
      labels: Labels.from({ alertname: 'Down', id }),
      pendingAtMs: START + at * S,
      firedAtMs: START + at * S,
      endedAtMs: START + (at + length) * S,
      value: 1,
    }));
    const { pages } = pagingOf(episodes, {
      config: rig.pipeline.config,
      mutedAt: () => undefined,
      resolveThroughMutes: true,
      others: [],
      toMs: START + 500 * S,
    });
    const lines = pages.map(
      ({ atMs, receiver, reason, firing, resolved }) =>
        `${receiver}@${(atMs - START) / S} ${reason} ${firing}/${resolved}`,
    );
    const sent = rig.sent.map(
      ({ to, at, reason, notification: { alerts } }) =>
        `${to}@${at} ${reason} ${alerts.filter(({ status }) => status === 'firing').length}/${alerts.filter(({ status }) => status === 'resolved').length}`,
    );
    expect(lines.sort()).toEqual(sent.sort());
    expect(lines.length).toBeGreaterThan(0);
  });

  it('obeys silences and inhibitions of other alerts of that time, and says why', async () => {
    rig = await pipelineRig(CONFIG);
    const episode = (id: string, at: number, alertname = 'Down'): Episode => ({
      labels: Labels.from({ alertname, id }),
      pendingAtMs: START + at * S,
      firedAtMs: START + at * S,
      endedAtMs: START + (at + 60) * S,
      value: 1,
    });
    const { pages, muted } = pagingOf([episode('3', 10), episode('4', 10), episode('4', 200)], {
      config: rig.pipeline.config,
      mutedAt: (_labels, atMs) => (atMs < START + 100 * S ? { kind: 'maintenance', name: 'night' } : undefined),
      resolveThroughMutes: true,
      others: [episode('1', 0, 'Other')],
      toMs: START + 400 * S,
    });
    expect(pages.map(({ receiver, atMs }) => `${receiver}@${(atMs - START) / S}`)).toEqual(['a@210', 'a@270']);
    expect(muted.map(({ text }) => text).sort()).toEqual([
      expect.stringContaining('in the maintenance window "night"'),
      expect.stringContaining('inhibited by'),
    ]);
  });
});

describe('a long range', () => {
  it('is judged at longer steps, as many as a query may have, and the answer says so', async () => {
    const rig = await pipelineRig('route: { receiver: a }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n');
    try {
      const { config } = rig.pipeline;
      const { steps, stepMs, warnings } = await replay(
        {
          spec: ruleOf('{ alert: A, expr: load > 1 }'),
          fromMs: T0,
          toMs: T0 + 86_400 * S,
          intervalMs: S,
          isIncident: () => false,
          known: [],
        },
        {
          querier: embeddedQuerier(filled([0, 2])),
          paging: { config, mutedAt: () => undefined, resolveThroughMutes: true },
        },
      );
      expect(steps).toBeGreaterThan(9_000);
      expect(stepMs).toBe(9 * S);
      expect(warnings).toEqual(['judged each 9s instead of each 1s: shorter breaches may be missing']);
    } finally {
      await rig[Symbol.asyncDispose]();
    }
  });
});

describe('incidents', () => {
  const at = (from: number, to: number | undefined, name: string): Episode => ({
    labels: Labels.from({ alertname: name }),
    pendingAtMs: T0 + from * S,
    firedAtMs: T0 + from * S,
    endedAtMs: to === undefined ? undefined : T0 + to * S,
    value: 1,
  });

  it('joins alerts that overlap, and says which the rule missed', () => {
    const incidents = incidentsOf(
      [at(0, 60, 'A'), at(30, 90, 'B'), at(2_000, 2_060, 'C')],
      [{ fromMs: T0 + 5_000 * S, names: ['told'] }],
    );
    expect(incidents.map(({ names }) => names)).toEqual([['A', 'B'], ['C'], ['told']]);
    const found = judged(incidents, [
      at(40, 50, 'Mine'),
      { ...at(2_010, 2_020, 'Mine'), firedAtMs: undefined },
      at(5_100, undefined, 'Mine'),
    ]);
    expect(found.map(({ caughtAtMs }) => caughtAtMs)).toEqual([T0 + 40 * S, undefined, T0 + 5_100 * S]);
  });

  it('reads them from ALERTS, without the rule itself and without trials', async () => {
    const source = filled([0, 0, 5, 5, 5, 0, 0]);
    const alerts = (labels: Record<string, string>, from: number, to: number): void =>
      source.add(Labels.from({ __name__: 'ALERTS', alertstate: 'firing', ...labels }), [
        ...Array.from({ length: to - from }, (_, i) => ({ t: T0 + (from + i) * S, v: 1 })),
        { t: T0 + to * S, stale: true },
      ]);
    alerts({ alertname: 'Big', severity: 'critical' }, 1, 4);
    alerts({ alertname: 'Small', severity: 'info' }, 1, 4);
    alerts({ alertname: 'A', severity: 'critical' }, 1, 4);
    alerts({ alertname: 'Tried', severity: 'critical', vitrine_trial: 'true' }, 1, 4);
    const config = await pipelineRig(
      'route: { receiver: a, group_wait: 0s }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n',
    );
    try {
      const outcome = await replay(
        {
          spec: ruleOf('{ alert: A, expr: load > 1 }'),
          fromMs: T0,
          toMs: T0 + 60 * S,
          intervalMs: S,
          isIncident: (labels) => labels.get('severity') === 'critical',
          known: [],
        },
        {
          querier: embeddedQuerier(source),
          paging: { config: config.pipeline.config, mutedAt: () => undefined, resolveThroughMutes: true },
        },
      );
      expect(outcome.incidents).toEqual([{ fromMs: T0 + S, toMs: T0 + 4 * S, names: ['Big'], caughtAtMs: T0 + 2 * S }]);
      expect(outcome.pages).toHaveLength(1);
      await expect(
        replay(
          {
            spec: ruleOf('{ alert: A, expr: load > 1 }'),
            fromMs: T0,
            toMs: T0 + 40 * 86_400 * S,
            intervalMs: S,
            isIncident: () => false,
            known: [],
          },
          {
            querier: embeddedQuerier(source),
            paging: { config: config.pipeline.config, mutedAt: () => undefined, resolveThroughMutes: true },
          },
        ),
      ).rejects.toThrow('31d at most');
    } finally {
      await config[Symbol.asyncDispose]();
    }
  });
});

/** Rules made by people over HTTP: made, changed, tried, exported, replayed; trials and the noise report. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { MadeRules, MAX_MADE_RULES } from '../../../../src/monitor/alerts/made/book.ts';
import { ruleForm } from '../../../../src/monitor/alerts/made/form.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { startAlertApi, type AlertApi } from '../../../support/alerts/alert-api.ts';
import { pipelineRig, START, type Rig } from '../../../support/alerts/pipeline-rig.ts';

let rig: Rig;
let api: AlertApi;
beforeEach(async () => {
  rig = await pipelineRig(
    'route: { receiver: a, group_wait: 0s, group_by: [alertname] }\nreceivers: [{ name: a, webhook_configs: [{ to: a }] }]\n',
  );
  api = await startAlertApi(rig);
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

type Body = Record<string, unknown>;
const post = async (body: object): Promise<{ status: number; body: Body }> =>
  (await api.send('POST', '/api/alerts', body)) as { status: number; body: Body };
const ruleIn = (body: unknown): Body => (body as { rule: Body }).rule;

describe('rules made by people', () => {
  it('are kept, given to the engine, changed, exported and deleted', async () => {
    const made = await post({
      name: 'Slow',
      metric: 'response_time_avg',
      above: '200ms',
      over: '1m',
      for: '1m',
      severity: 'critical',
      by: 'ann',
    });
    expect(made.status).toBe(201);
    const { id } = ruleIn(made.body) as { id: string };
    expect(ruleIn(made.body)).toMatchObject({ name: 'Slow', created_by: 'ann', draft: false });
    expect(api.applied.at(-1)?.map(({ name }) => name)).toEqual(['g', 'Slow']);
    await post({
      name: 'Own',
      expr: 'sum(load) > 3',
      labels: { team: 'pay' },
      annotations: { summary: 'Load {{ $value }}' },
    });

    const changed = await api.send('PUT', `/api/alerts/${id}`, {
      name: 'Slow',
      metric: 'response_time_avg',
      above: '300ms',
      draft: true,
    });
    expect(changed.status).toBe(200);
    expect(api.applied.at(-1)?.map(({ name }) => name)).toEqual(['g', 'Own']);

    const file = (await api.get('/api/alerts/rules')).body as string;
    const names = parseRuleFile(file, 'export').flatMap(({ rules }) => rules.map(({ name }) => name));
    expect(names).toEqual(['FromFile', 'Own']);

    const { body } = await api.get('/api/alerts');
    expect((body as { rules: Body[] }).rules.map(({ name, draft }) => [name, draft])).toEqual([
      ['Own', false],
      ['Slow', true],
    ]);
    // A restart finds them.
    expect(new MadeRules(rig.state()).all().map(({ form }) => form.name)).toEqual(['Own', 'Slow']);

    expect((await api.send('DELETE', `/api/alerts/${id}`)).status).toBe(200);
    expect((await api.send('DELETE', `/api/alerts/${id}`)).status).toBe(404);
    expect(
      rig
        .events()
        .filter(({ type }) => type.startsWith('vitrine_rule_'))
        .map(({ type }) => type),
    ).toEqual(['vitrine_rule_deleted', 'vitrine_rule_changed', 'vitrine_rule_created', 'vitrine_rule_created']);
  });

  it.each([
    [{ name: 'x y', expr: 'up' }, 'name'],
    [{ name: 'A' }, 'metric or expr is missing'],
    [{ name: 'A', expr: 'up ==' }, 'unexpected end'],
    [{ name: 'A', metric: 'response_time_avg', above: 200 }, 'has no unit'],
    [{ name: 'A', metric: 'response_time_avg', above: '200ms', recover: '300ms' }, 'is not below the threshold'],
    [{ name: 'A', metric: 'cache_hit_ratio', below: '50%', recover: '40%' }, 'is not above the threshold'],
    [{ name: 'A', expr: 'up', recover: 1 }, 'expr stands alone'],
    [{ name: 'A', expr: 'up', labels: { severity: 'x' } }, 'the rule sets this label itself'],
    [{ name: 'A', expr: 'up', annotations: { summary: '{{ nope' } }, 'summary'],
    [{ name: 'A', expr: 'up', keep_firing_for: '5 apples' }, 'no duration'],
    [{ name: 'A', expr: 'up', nope: 1 }, 'nope'],
    [{ name: 'A', expr: 'up', dry_run: 'yes' }, 'dry_run'],
  ])('refuses %j', async (rule, message) => {
    const { status, body } = await post(rule);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(message);
    expect(new MadeRules(rig.state()).all()).toEqual([]);
  });

  it('refuses a second rule of the same name, and more rules than the limit', async () => {
    await post({ name: 'A', expr: 'up' });
    expect((await post({ name: 'A', expr: 'up' })).status).toBe(409);
    const made = new MadeRules(rig.state());
    const many = Array.from({ length: MAX_MADE_RULES - 1 }, (_, i) =>
      made.create(ruleForm.parse({ name: `R${i}`, expr: 'up' }), 'x', START),
    );
    await Promise.all(many);
    await expect(made.create(ruleForm.parse({ name: 'More', expr: 'up' }), 'x', START)).rejects.toThrow('500 rules');
  });

  it('tries a rule before it is saved: what it finds now, and nothing is kept', async () => {
    for (const host of ['a', 'b'])
      api.samples.add(Labels.from({ __name__: 'load', host }), [{ t: START, v: host === 'a' ? 5 : 1 }]);
    const { status, body } = await post({ name: 'Load', expr: 'load > 3', dry_run: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ expr: 'load > 3', would_fire: 1, found: [{ value: 5 }] });
    expect(parseRuleFile(String(body['file']), 'x')[0].rules[0].name).toBe('Load');
    expect(new MadeRules(rig.state()).all()).toEqual([]);
    expect(api.applied).toEqual([]);
  });
});

describe('the time machine', () => {
  const replayed = (body: object): ReturnType<AlertApi['send']> => api.send('POST', '/api/alerts/replay', body);

  it('plays a rule, a draft and a rule of a file', async () => {
    const values = [0, 0, 5, 5, 5, 5, 0, 0, 5, 0].map((v, i) => ({ t: START + i * 1_000, v }));
    api.samples.add(Labels.from({ __name__: 'load' }), values);
    const range = {
      from: START,
      to: START + 20_000,
      known: [{ from: START + 1_000, to: START + 9_000, name: 'outage' }],
    };
    const inline = await replayed({ rule: { name: 'Load', expr: 'load > 3', for: '2s' }, ...range });
    expect(inline.body).toMatchObject({
      name: 'Load',
      step_seconds: 1,
      fired: 1,
      pending_only: 1,
      paged: 1,
      missed: 0,
      episodes: [{ fired_at: new Date(START + 4_000).toISOString() }, { fired_at: null }],
      pages: [{ receiver: 'a', firing: 1, reason: 'first notification' }],
      incidents: [{ names: ['outage'], caught_at: new Date(START + 4_000).toISOString() }],
    });
    await post({ name: 'Never', expr: 'load > 30', draft: true });
    expect((await replayed({ name: 'Never', ...range })).body).toMatchObject({ fired: 0, paged: 0, missed: 1 });
    expect((await replayed({ name: 'FromFile', ...range })).body).toMatchObject({ step_seconds: 5, fired: 1 });
    const trial = await replayed({ rule: { name: 'Load', expr: 'load > 3', trial: true }, ...range });
    expect(trial.body).toMatchObject({ fired: 2, paged: 0, warnings: [expect.stringContaining('on trial')] });
  });

  it('refuses what it cannot play', async () => {
    expect((await replayed({})).status).toBe(400);
    expect((await replayed({ name: 'Nobody' })).status).toBe(404);
    expect((await replayed({ name: 'FromFile', incidents: '{{' })).status).toBe(400);
    expect((await replayed({ name: 'FromFile', from: START + 10, to: START })).status).toBe(400);
  });
});

describe('a rule on trial', () => {
  it('is recorded and counted, nobody is told, and the noise report has it', async () => {
    await rig.fire('1', { vitrine_trial: 'true' });
    await rig.fire('2');
    await rig.advance(5);
    expect(rig.lines()).toEqual(['a@0 first notification: +2']);
    const trial = [...rig.pipeline.alerts.values()].find(({ labels }) => labels.get('id') === '1');
    const { fingerprint } = trial ?? { fingerprint: '' };
    expect(rig.events({ alert: fingerprint, type: 'vitrine_trial_alert' })[0].text).toContain(
      'without the trial it would go to a',
    );
    expect(((await api.get(`/api/alerts/${fingerprint}`)).body as Body)['muted_by']).toMatchObject([{ kind: 'trial' }]);
    await rig.restart();
    await rig.advance(5);
    expect(rig.lines()).toHaveLength(1);
    await rig.resolve('1', { vitrine_trial: 'true' });
    expect(rig.events({ alert: fingerprint })[0].type).toBe('vitrine_trial_resolved');
    expect(rig.figures).toContain('suppressed trial 1');
  });

  it('has its place in the noise report beside those that were paged and acted on', async () => {
    await rig.fire('1', { vitrine_trial: 'true', alertname: 'Tried' });
    await rig.fire('2', { alertname: 'Loud' });
    await rig.advance(5);
    const loud = [...rig.pipeline.alerts.values()].find(({ labels }) => labels.get('alertname') === 'Loud');
    await api.send('POST', `/api/alerts/${loud?.fingerprint ?? ''}/ack`, { by: 'ann' });
    const { body } = await api.get(`/api/alerts/noise?from=${START - 7 * 86_400_000 + 5_000}`);
    expect(body).toMatchObject({
      complete: true,
      rules: [
        { name: 'Loud', fired: 1, pages: 1, pages_per_week: 1, acted: 1, on_trial: 0 },
        { name: 'Tried', fired: 1, pages: 0, acted: 0, on_trial: 1 },
      ],
      never_fired: ['FromFile'],
    });
  });
});

describe('the state of rules', () => {
  it('has the figure behind each: a value, no traffic or no data', async () => {
    api.samples.add(Labels.from({ __name__: 'load' }), [{ t: START, v: 2 }]);
    const rule = {
      kind: 'alerting' as const,
      name: 'Load',
      query: 'load > 3',
      labels: Labels.from({ severity: 'info', vitrine_trial: 'true' }),
      health: 'ok' as const,
      lastError: '',
      evaluationSeconds: 0,
      lastEvaluationMs: START,
      state: 'inactive' as const,
      forMs: 60_000,
      keepFiringForMs: 0,
      annotations: {},
      alerts: [],
    };
    const group = {
      name: 'g',
      file: 'r.yaml',
      intervalMs: 1_000,
      limit: 0,
      evaluationSeconds: 0,
      lastEvaluationMs: START,
    };
    api.views.push({
      ...group,
      rules: [rule, { ...rule, name: 'None', query: 'nothing > 1' }, { ...rule, name: 'Bad', query: 'sum(load, 1)' }],
    });
    expect((await api.get('/api/alerts/states')).body).toMatchObject({
      rules: [
        { name: 'Load', trial: true, severity: 'info', for_seconds: 60, figure: { kind: 'value', value: 2 } },
        { name: 'None', figure: { kind: 'no_data' } },
        { name: 'Bad', figure: null },
      ],
    });
  });
});

import { describe, expect, it } from 'vitest';
import { statusOf } from '../../src/page/slo/objective-text.ts';
import type { Objective } from '../../src/page/services/objectives.ts';
import { objectivesComputed, objectivesOf, paceText, stateOf } from '../../src/page/services/objectives.ts';

const objective = (name: string, more: Partial<Objective> = {}): Objective => ({
  name,
  objective: 0.999,
  window: '30d',
  window_seconds: 2_592_000,
  target: null,
  target_id: null,
  requests: null,
  events: null,
  months: [],
  figure: 0.9995,
  budget_left: 0.5,
  burn_rate: 0.5,
  breached: false,
  power: '',
  ...more,
});

describe('the objectives of a service', () => {
  it('are those of its name, its target and its filter, and not those of a longer name', () => {
    const all = [
      objective('api'),
      objective('api-latency'),
      objective('api-gateway'),
      objective('api-gateway-latency'),
      objective('apis'),
      objective('up', { target: 'api' }),
      objective('paid', { requests: { total: 'service:api route:/pay*', good: 'status:<500' } }),
      objective('other', { requests: { total: '-service:api', good: 'status:<500' } }),
    ];
    const names = (service: string): string[] =>
      objectivesOf(all, service, ['api', 'api-gateway', 'shop']).map(({ name }) => name);
    expect(names('api')).toEqual(['api', 'api-latency', 'up', 'paid']);
    expect(names('api-gateway')).toEqual(['api-gateway', 'api-gateway-latency']);
    expect(names('shop')).toEqual([]);
  });

  it.each([
    [objective('a'), 'ok', 'Burns at 0.5, so it lasts.'],
    [objective('a', { burn_rate: 3 }), 'warn', /^Burns at 3: gone in 5.d at this pace/u],
    [objective('a', { burn_rate: 14.4 }), 'crit', /gone in/],
    [objective('a', { budget_left: 0.05, burn_rate: 0 }), 'warn', 'Burns at 0, so it lasts.'],
    [objective('a', { budget_left: -0.1, breached: true }), 'crit', 'The budget is spent.'],
    [objective('a', { burn_rate: null }), 'ok', 'No burn rate yet.'],
    [objective('a', { budget_left: null, burn_rate: null }), 'unknown', 'No data of this window yet.'],
  ] as const)('say what is left and how long it lasts', (one, state, text) => {
    expect([stateOf(one), statusOf(one)]).toEqual([state, state]);
    expect(paceText(one)).toMatch(text);
  });

  it('name the series that they are computed from', () => {
    const { queries, asked } = objectivesComputed([objective('a')]);
    expect(queries.map(({ expr }) => expr)).toEqual([
      'last_over_time(slo:sli_error:ratio_rate30d{slo="a"}[15m])',
      'last_over_time(slo:current_burn_rate:ratio{slo="a"}[2m])',
    ]);
    expect(asked?.path).toBe('/api/slo');
    expect(objectivesComputed(Array.from({ length: 9 }, (_, at) => objective(`a${at}`))).queries).toHaveLength(8);
  });
});

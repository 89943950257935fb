import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { objectivesConfig } from '../../../src/monitor/targets/objectives/schema.ts';
import { objectiveYaml, triedFrom } from '../../../src/page/slo/tried-objective.ts';

test('what is shown for the file is read as what was tried', () => {
  const tried = { total: 'route:"/a: b#c*"', good: "status:<500 message:'x'", objective: '99.5%', window: '7d' };
  const { slo } = parse(objectiveYaml(tried)) as { slo: unknown };
  const { total, good, objective, window } = tried;
  expect(objectivesConfig.parse(slo)).toEqual([{ name: 'NAME', objective, window, requests: { total, good } }]);
  expect(objectiveYaml({ ...tried, total: '' })).not.toContain('total');
  // Not an environment variable.
  expect(objectiveYaml({ ...tried, total: 'path:${HOME}' })).toContain('path:$${HOME}');
});

test('fields that the address lacks have a start', () => {
  expect(triedFrom((name) => (name === 'good' ? 'status:<500' : ''))).toEqual({
    total: '',
    good: 'status:<500',
    objective: '99.9%',
    window: '30d',
  });
});

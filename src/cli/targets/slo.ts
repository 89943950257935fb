/** `vitrine slo`: objectives with their figure, budget and burn rate, and the past of one that is not configured. */
import type { ObjectiveJson, ObjectivesJson } from '../../monitor/api/targets/contract.ts';
import { ask, type ClientOptions } from '../client.ts';
import { print, table, tell } from '../output.ts';

const HEAD = ['objective', 'state', 'promise', 'window', 'now', 'budget left', 'burn'];

const percent = (ratio: number | null): string => (ratio === null ? 'unknown' : `${(ratio * 100).toFixed(3)} %`);

function rowOf({ name, objective, window, figure, budget_left, burn_rate, breached }: ObjectiveJson): string[] {
  const state = breached === null ? 'no data' : breached ? 'MISSED' : 'kept';
  const burn = burn_rate === null ? 'unknown' : burn_rate.toFixed(2);
  return [name, state, percent(objective), window, percent(figure), percent(budget_left), burn];
}

/** Exit code 5 when an objective is missed. */
export async function showObjectives(client: ClientOptions, json: boolean): Promise<number> {
  const answer = (await ask(client, '/api/slo')) as ObjectivesJson;
  if (json) print(JSON.stringify(answer));
  else if (answer.objectives.length === 0) tell('No objective is configured.');
  else print(table(HEAD, answer.objectives.map(rowOf), [2, 4, 5, 6]));
  return answer.objectives.some(({ breached }) => breached === true) ? 5 : 0;
}

interface PreviewFlags {
  readonly total: string;
  readonly good: string;
  readonly objective: string;
  readonly window: string;
}

/** Exit code 5 when the objective would be missed. */
export async function previewObjective(client: ClientOptions, flags: PreviewFlags, json: boolean): Promise<number> {
  const one = (await ask(client, `/api/slo/preview?${new URLSearchParams({ ...flags })}`)) as ObjectiveJson;
  if (json) print(JSON.stringify(one));
  else {
    const spans = [
      { ...one, name: `last ${one.window}` },
      ...one.months.map((month) => ({ ...month, name: `${month.month} (UTC)` })),
    ];
    const rows = spans.map(({ name, figure, budget_left: left, breached }) => [
      name,
      breached === null ? 'no data' : breached ? 'MISSED' : 'kept',
      percent(figure),
      percent(left),
    ]);
    print(table(['range', 'state', 'good', 'budget left'], rows, [2, 3]));
    if (one.events !== null)
      print(`${one.events.total - one.events.good} of ${one.events.total} requests were bad, counted row by row.`);
    tell(one.power.replace(`${one.name}: `, ''));
  }
  return one.breached === true ? 5 : 0;
}

/** `vitrine slo`: objectives with their figure, budget and burn rate. */
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

/** `vitrine slo`: objectives with their figure, budget and burn rate. */
import type { ObjectiveJson, ObjectivesJson } from '../../monitor/api/targets/contract.ts';
import { ask, type ClientOptions } from '../client.ts';
import { print, tell, visible } from '../output.ts';

const percent = (ratio: number | null): string => (ratio === null ? 'unknown' : `${(ratio * 100).toFixed(3)} %`);

function line({ name, objective, window, figure, budget_left, burn_rate, breached }: ObjectiveJson): string {
  const burn = burn_rate === null ? 'unknown' : burn_rate.toFixed(2);
  const state = breached === null ? 'no data' : breached ? 'MISSED' : 'kept';
  const goal = `${percent(objective)} over ${window}`;
  return `${name.padEnd(24)}  ${state.padEnd(8)}  ${goal}  now ${percent(figure)}  budget left ${percent(budget_left)}  burn ${burn}`;
}

/** Exit code 5 when an objective is missed. */
export async function showObjectives(client: ClientOptions, json: boolean): Promise<number> {
  const answer = (await ask(client, '/api/slo')) as ObjectivesJson;
  if (json) print(JSON.stringify(answer));
  else if (answer.objectives.length === 0) tell('No objective is configured.');
  else for (const one of answer.objectives) print(visible(line(one)));
  return answer.objectives.some(({ breached }) => breached === true) ? 5 : 0;
}

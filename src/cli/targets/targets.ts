/** `vitrine targets`: list, check now, history. Availability is printed with its accounting method. */
import { formatDurationMs } from '../../base/units.ts';
import type { AvailabilityJson, HistoryJson, TargetJson, TargetsJson } from '../../monitor/api/targets/contract.ts';
import { ask, send, type ClientOptions } from '../client.ts';
import { print, table, tell, visibleLine } from '../output.ts';

export interface TargetsRequest extends ClientOptions {
  readonly json: boolean;
}

const percent = (ratio: number | null): string => (ratio === null ? 'unknown' : `${(ratio * 100).toFixed(3)} %`);
const pathOf = (id: string): string => `/api/targets/${encodeURIComponent(id)}`;

function rowOf({
  id,
  kind,
  state,
  instance,
  last,
  availability_24h,
  cause,
  competitor,
  maintenance,
}: TargetJson): string[] {
  const notes = [
    last !== null && !last.success ? last.reason : '',
    cause === null ? '' : `its parent ${cause} is down`,
    maintenance ? 'in maintenance' : '',
    competitor ? 'competitor' : '',
  ];
  return [
    id,
    kind,
    state,
    last === null ? '' : `${last.duration_ms.toFixed(0)} ms`,
    percent(availability_24h),
    instance,
    notes.filter((text) => text !== '').join('; '),
  ];
}

export async function listTargets(request: TargetsRequest): Promise<number> {
  const answer = (await ask(request, '/api/targets')) as TargetsJson;
  if (request.json) print(JSON.stringify(answer));
  else if (answer.targets.length === 0) tell('No target is configured.');
  else print(table(['target', 'kind', 'state', 'last', '24 h', 'address', ''], answer.targets.map(rowOf), [3, 4]));
  return 0;
}

/** Exit code 5 when the check fails. */
export async function checkTarget(request: TargetsRequest, id: string): Promise<number> {
  const result = (await send(request, `${pathOf(id)}/check`, {})) as {
    readonly success: boolean;
    readonly reason: string;
    readonly durationSeconds: number;
    readonly sent: string;
    readonly address: string;
    readonly phases: Readonly<Record<string, number>>;
  };
  if (request.json) print(JSON.stringify(result));
  else {
    const phases = Object.entries(result.phases).map(([name, seconds]) => `${name} ${(seconds * 1_000).toFixed(1)} ms`);
    print(
      visibleLine(
        `${result.success ? 'good' : 'failed'} in ${(result.durationSeconds * 1_000).toFixed(1)} ms: ${result.sent}`,
      ),
    );
    if (result.address !== '') print(visibleLine(`  ${result.address}  ${phases.join(', ')}`));
    if (result.reason !== '') print(visibleLine(`  ${result.reason}`));
  }
  return result.success ? 0 : 5;
}

export async function targetHistory(request: TargetsRequest, id: string, since: string): Promise<number> {
  const query = new URLSearchParams({ from: `now-${since}` });
  const history = (await ask(request, `${pathOf(id)}/history?${query}`)) as HistoryJson;
  query.set('target', id);
  const figure = (await ask(request, `/api/availability?${query}`)) as { availability: readonly AvailabilityJson[] };
  if (request.json) {
    print(JSON.stringify({ ...history, availability: figure.availability[0] }));
    return 0;
  }
  const [{ availability, outages, down_seconds, method }] = figure.availability;
  print(`${percent(availability)} available, ${outages} outages, ${formatDurationMs(down_seconds * 1_000)} down`);
  for (const { from, to, seconds } of history.outages) print(`  ${from} – ${to}  ${formatDurationMs(seconds * 1_000)}`);
  tell(method);
  return 0;
}

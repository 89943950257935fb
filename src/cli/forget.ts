/** `vitrine forget`: says what would go, and deletes it with --yes. */
import type { ForgetAnswer } from '../monitor/api/records/contract.ts';
import { send, type ClientOptions } from './client.ts';
import { print, tell } from './output.ts';

export async function forget(
  client: ClientOptions,
  filter: string,
  { yes, json }: { readonly yes: boolean; readonly json: boolean },
): Promise<void> {
  const counted = (await send(client, '/api/forget', { q: filter, dry_run: true })) as ForgetAnswer;
  const done = yes
    ? ((await send(client, '/api/forget', { q: filter, token: counted.token })) as ForgetAnswer)
    : counted;
  const { logs, traces, requests } = done.records;
  if (json) print(JSON.stringify({ dry_run: !yes, records: done.records }));
  else print(`${yes ? 'Deleted' : 'Would delete'} ${logs} log lines, ${traces} spans and ${requests} requests.`);
  if (!yes && !json && logs + traces + requests > 0) tell('Add --yes to delete them for good.');
}

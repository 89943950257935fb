/** `vitrine forget`: says what would go, and deletes it with --yes. */
import type { ForgetAnswer } from '../monitor/api/records/contract.ts';
import { send, type ClientOptions } from './client.ts';
import { print, tell } from './output.ts';

/** The files of weeks are read, and those with such records are written anew. */
const TIMEOUT_MS = 3_600_000;

export async function forget(
  client: ClientOptions,
  filter: string,
  { yes, json }: { readonly yes: boolean; readonly json: boolean },
): Promise<void> {
  const post = (body: object): Promise<ForgetAnswer> =>
    send(client, '/api/forget', body, TIMEOUT_MS) as Promise<ForgetAnswer>;
  const counted = await post({ q: filter, dry_run: true });
  const done = yes ? await post({ q: filter, token: counted.token }) : counted;
  const { logs, traces, requests } = done.records;
  if (json) print(JSON.stringify({ dry_run: !yes, records: done.records }));
  else print(`${yes ? 'Deleted' : 'Would delete'} ${logs} log lines, ${traces} spans and ${requests} requests.`);
  if (json) return;
  if (yes) tell('Backups, files named *.damaged, followed log files, and what was sent on are as they were.');
  else if (logs + traces + requests > 0) tell('Add --yes to delete them for good.');
}

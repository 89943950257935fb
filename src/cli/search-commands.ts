/** The flags of the commands that search. */
import { InvalidArgumentError, type Command } from 'commander';
import type { ClientOptions } from './client.ts';
import type { ErrorFlags, Following, FollowFlags, SearchFlags } from './search.ts';

type Reader = (name: string, what: string) => Command;
/** What commander hands over, together with the flags that every command of a reader has. */
type Given<Flags> = Flags & Record<string, unknown>;

function whole(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 to 9999999.');
  return Number(text);
}

const withRange = (command: Command, since?: string): Command =>
  command
    .argument('[filter...]', 'a filter, such as: service:checkout level:>=warn "card declined"')
    .option('--since <time>', 'a duration ago, RFC 3339 or now-1h', since)
    .option('--until <time>', 'the end of the range (default: now)')
    .option('--limit <n>', 'the newest so many', whole, 100);

/** The range of a search that names none. */
const SINCE = '1h';

/** Aborted by Ctrl+C: a search that follows ends well with it. */
function interrupted(follows: boolean): AbortSignal {
  const stop = new AbortController();
  if (follows) process.once('SIGINT', () => stop.abort());
  return stop.signal;
}

/** What has no stream is asked for again so often. */
const EVERY_MS = 2_000;
const followed = ({ follow }: { readonly follow: boolean }): Following => {
  return { signal: interrupted(follow), everyMs: EVERY_MS };
};

export function addSearch(reader: Reader, clientOf: (flags: Record<string, unknown>) => ClientOptions): void {
  withRange(reader('logs', 'search and follow log lines'), SINCE)
    .option('-f, --follow', 'print lines as they come', false)
    .action(async (filter: string[], flags: Given<SearchFlags & { follow: boolean }>) => {
      const { logs } = await import('./search.ts');
      await logs(clientOf(flags), filter.join(' '), flags, interrupted(flags.follow));
    });
  withRange(reader('traces', 'search traces by their spans'), SINCE)
    .option('-f, --follow', 'print traces as they come', false)
    .action(async (filter: string[], flags: Given<FollowFlags>) => {
      const { traces } = await import('./search.ts');
      await traces(clientOf(flags), filter.join(' '), flags, interrupted(flags.follow));
    });
  withRange(reader('requests', 'search the request ledger, or sum it up by fields'), SINCE)
    .option('--by <fields>', 'exact figures by up to three fields, such as route,upstream')
    .option('-f, --follow', 'print rows as they come', false)
    .action(async (filter: string[], flags: Given<SearchFlags & { by?: string; follow: boolean }>) => {
      const { requests, fieldsOf } = await import('./requests.ts');
      const by = flags.by === undefined ? undefined : fieldsOf(flags.by);
      await requests(clientOf(flags), filter.join(' '), { ...flags, by }, interrupted(flags.follow));
    });
  reader('forget', 'delete matching lines, spans and requests; without --yes say what would go')
    .argument('<filter...>', 'a filter, such as: user.id:42')
    .option('--yes', 'delete', false)
    .action(async (filter: string[], flags: Given<{ yes: boolean; json: boolean }>) => {
      const { forget } = await import('./forget.ts');
      await forget(clientOf(flags), filter.join(' '), flags);
    });
  // An error that was last seen days ago is still open, so all are listed unless a range is given.
  withRange(reader('errors', 'list errors as issues, the last seen first'))
    .option('--service <name>', 'of one service')
    .option('--state <state>', 'new, open, regressed or resolved')
    .option('-f, --follow', 'print errors as they occur', false)
    .action(async (filter: string[], flags: Given<ErrorFlags>) => {
      const { errors } = await import('./search.ts');
      await errors(clientOf(flags), filter.join(' '), flags, followed(flags));
    });
}

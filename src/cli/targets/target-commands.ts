/** The commands `targets`, `slo` and `status-page` with their arguments and flags. */
import type { Command } from 'commander';
import type { ClientOptions } from '../client.ts';
import { refuseStrays } from '../stray-command.ts';
import type { TargetsRequest } from './targets.ts';

type Flags = Readonly<Record<string, unknown>>;

export function addTargets(
  program: Command,
  clientOf: (flags: Flags) => ClientOptions,
  setExit: (code: number) => void,
): void {
  const requestOf = (flags: Flags): TargetsRequest => ({ ...clientOf(flags), json: flags['json'] === true });
  const targets = program.command('targets').description('synthetic checks: list, check now, history');
  const made = (parent: Command, name: string, isDefault: boolean): Command =>
    isDefault ? refuseStrays(parent, parent.command(name, { isDefault })) : parent.command(name);
  const command = (parent: Command, name: string, what: string, isDefault = false): Command =>
    made(parent, name, isDefault)
      .description(what)
      .option('--url <url>', 'the Vitrine to ask', 'http://127.0.0.1:4000')
      .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
      .option('--json', 'as JSON', false);
  command(program, 'slo', 'objectives: figure, budget left, burn rate; exit code 5 when one is missed').action(
    async (flags: Flags) => {
      setExit(await (await import('./slo.ts')).showObjectives(clientOf(flags), flags['json'] === true));
    },
  );
  const statusPage = program.command('status-page').description('the public status page');
  command(statusPage, 'export', 'write the status page as files, to be served or opened from a folder')
    .argument('<folder>', 'a folder; its files of the same names are replaced')
    .action(async (folder: string, flags: Flags) => {
      setExit(await (await import('./status-page.ts')).exportStatusPage(requestOf(flags), folder));
    });
  // `vitrine targets` alone lists them.
  command(targets, 'list', 'state, duration and availability of each target', true).action(async (flags: Flags) => {
    setExit(await (await import('./targets.ts')).listTargets(requestOf(flags)));
  });
  command(targets, 'check', 'check one target now; exit code 5 when it fails')
    .argument('<id>', 'its id, as `list` shows it')
    .action(async (id: string, flags: Flags) => {
      setExit(await (await import('./targets.ts')).checkTarget(requestOf(flags), id));
    });
  command(targets, 'history', 'availability and outages of one target')
    .argument('<id>', 'its id')
    .option('--since <time>', 'how far back', '30d')
    .action(async (id: string, flags: Flags) => {
      setExit(await (await import('./targets.ts')).targetHistory(requestOf(flags), id, String(flags['since'])));
    });
}

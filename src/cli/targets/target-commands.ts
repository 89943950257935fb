/** The commands `targets`, `slo` and `status-page` with their arguments and flags. */
import type { Command } from 'commander';
import type { ClientOptions } from '../client.ts';
import { commandOf } from '../stray-command.ts';
import type { TargetsRequest } from './targets.ts';

type Flags = Readonly<Record<string, unknown>>;
type AddCommand = (parent: Command, name: string, what: string, isDefault?: boolean) => Command;

function addObjectives(
  program: Command,
  command: AddCommand,
  clientOf: (flags: Flags) => ClientOptions,
  setExit: (code: number) => void,
): void {
  const slo = program.command('slo').description('objectives: figure, budget left, burn rate; the past of a new one');
  // `vitrine slo` alone lists them.
  command(slo, 'list', 'all objectives; exit code 5 when one is missed', true).action(async (flags: Flags) => {
    setExit(await (await import('./slo.ts')).showObjectives(clientOf(flags), flags['json'] === true));
  });
  command(slo, 'preview', 'the past of an objective over requests before it is configured; exit code 5 when missed')
    .requiredOption('--good <filter>', 'which requests are good, such as "status:<500 duration:<300ms"')
    .option('--total <filter>', 'which requests count, such as "route:/checkout*"', '')
    .option('--objective <share>', 'the share that must be good', '99.9%')
    .option('--window <duration>', 'from 7d to 90d', '30d')
    .action(async (flags: Flags) => {
      const of = (key: string): string => String(flags[key]);
      const asked = { total: of('total'), good: of('good'), objective: of('objective'), window: of('window') };
      setExit(await (await import('./slo.ts')).previewObjective(clientOf(flags), asked, flags['json'] === true));
    });
}

export function addTargets(
  program: Command,
  clientOf: (flags: Flags) => ClientOptions,
  setExit: (code: number) => void,
): void {
  const requestOf = (flags: Flags): TargetsRequest => ({ ...clientOf(flags), json: flags['json'] === true });
  const targets = program.command('targets').description('synthetic checks: list, check now, history');
  const command: AddCommand = (parent, name, what, isDefault = false) =>
    commandOf(parent, name, isDefault)
      .description(what)
      .option('--url <url>', 'the Vitrine to ask', 'http://127.0.0.1:4000')
      .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
      .option('--json', 'as JSON', false);
  addObjectives(program, command, clientOf, setExit);
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

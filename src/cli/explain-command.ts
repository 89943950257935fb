/** The command `explain` with its arguments and flags. */
import type { Command } from 'commander';
import type { ClientOptions } from './client.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Returns the command, so that other files add what they can explain. */
export function addExplain(program: Command, clientOf: (flags: Flags) => ClientOptions): Command {
  const explain = program.command('explain').description('explain what happened');
  explain
    .command('request')
    .description('show what happened to a request: its row, trace and lines')
    .argument('<code>', 'its support code (X-Support-Code), or the id of the request or trace')
    .option('--url <url>', 'the running Vitrine', 'http://127.0.0.1:4000')
    .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
    .option('--json', 'as JSON', false)
    .action(async (code: string, flags: Flags) => {
      const { explainRequest } = await import('./explain.ts');
      await explainRequest(clientOf(flags), code, flags['json'] === true);
    });
  return explain;
}

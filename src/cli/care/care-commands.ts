/** The commands `balancer` and `cache` with their arguments and flags. */
import { Option, type Command } from 'commander';
import { VitrineError } from '../../base/errors.ts';
import type { CareTarget } from './care.ts';
import type { ClientOptions } from '../client.ts';

type Flags = Readonly<Record<string, unknown>>;

export function addCare(program: Command, clientOf: (flags: Flags) => ClientOptions): void {
  const targetOf = (flags: Flags): CareTarget => ({
    ...clientOf(flags),
    socket: flags['socket'] as string | undefined,
    json: flags['json'] === true,
  });
  const command = (parent: Command, name: string, what: string): Command =>
    parent
      .command(name)
      .description(what)
      .option('--url <url>', 'the Vitrine to ask', 'http://127.0.0.1:4000')
      .option('--socket <file>', 'the control socket of a balancer alone, instead')
      .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
      .option('--json', 'as JSON', false);
  const balancer = program.command('balancer').description('care of the running balancer');
  command(balancer, 'status', 'routes, upstreams and the last changes').action(async (flags: Flags) => {
    await (await import('./care.ts')).balancerStatus(targetOf(flags));
  });
  for (const [name, what] of [
    ['drain', 'give an upstream no new requests; those it has are finished'],
    ['undrain', 'take it back'],
  ] as const) {
    command(balancer, name, what)
      .argument('<upstream>', 'its address, such as 127.0.0.1:3001')
      .action(async (upstream: string, flags: Flags) => {
        await (await import('./care.ts')).changeUpstream(targetOf(flags), upstream, name);
      });
  }
  command(balancer, 'weight', 'change the share of an upstream')
    .argument('<upstream>', 'its address, such as 127.0.0.1:3001')
    .argument('<weight>', 'from 1 to 1000')
    .action(async (upstream: string, weight: string, flags: Flags) => {
      const value = Number(weight);
      if (!Number.isInteger(value)) throw new VitrineError('usage', `"${weight}" is not a whole number.`);
      await (await import('./care.ts')).changeUpstream(targetOf(flags), upstream, 'weight', value);
    });
  command(balancer, 'maintenance', 'answer 503 on a route, or end that')
    .argument('<route>', 'its name')
    .addArgument(balancer.createArgument('<state>', 'on or off').choices(['on', 'off']))
    .action(async (route: string, state: string, flags: Flags) => {
      await (await import('./care.ts')).switchMaintenance(targetOf(flags), route, state === 'on');
    });
  const cache = program.command('cache').description('care of the running response cache');
  command(cache, 'stats', 'what it holds').action(async (flags: Flags) => {
    await (await import('./care.ts')).cacheStats(targetOf(flags));
  });
  command(cache, 'purge', 'forget answers')
    .addOption(new Option('--of <url>', 'the answers of one URL').conflicts(['prefix', 'tag']))
    .addOption(new Option('--prefix <url>', 'all answers below it').conflicts('tag'))
    .option('--tag <tag>', 'all answers with this tag')
    .action(async (flags: Flags) => {
      const { of: url, prefix, tag } = flags as Record<string, string | undefined>;
      const what =
        url === undefined ? (prefix === undefined ? (tag === undefined ? undefined : { tag }) : { prefix }) : { url };
      if (what === undefined) throw new VitrineError('usage', 'Say what: --of URL, --prefix URL or --tag TAG.');
      await (await import('./care.ts')).purgeCache(targetOf(flags), what);
    });
}

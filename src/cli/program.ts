/**
 * The command line: its commands and flags, and the exit codes of their errors
 * (0 done, 1 failed, 2 wrong usage, 3 bad configuration, 4 cannot reach or bind, 5 a check failed, 130 interrupted).
 * Every command has its own file, which is loaded only when the command runs.
 */
import { Command, CommanderError, Option } from 'commander';
import { readFileSync } from 'node:fs';
import { VitrineError } from '../base/errors.ts';
import { parseDurationMs } from '../base/units.ts';
import { addAlerts } from './alerts/alert-commands.ts';
import { addCare } from './care/care-commands.ts';
import { addExplain } from './explain-command.ts';
import type { ClientOptions } from './client.ts';
import { DRILLS, type Drill } from './drill.ts';
import { fail } from './output.ts';
import { addSearch } from './search-commands.ts';
import { refuseStrays } from './stray-command.ts';
import { addTargets } from './targets/target-commands.ts';
import { version } from '../app/process/version.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 bad configuration, 4 cannot reach or bind, 5 a check or threshold did not hold, 130 interrupted.`;

/** Planned commands that this version does not have yet. */
const LATER: Readonly<Record<string, string>> = {
  export: 'write history as CSV, JSON or NDJSON',
  report: 'write a report',
  demo: 'walk through every feature',
};

/** Runs one command line; resolves with the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = buildProgram((exit) => {
    code = exit;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return fail(error);
  }
}

export function buildProgram(exit: (code: number) => void): Command {
  const program = new Command('vitrine')
    .description('An HTTP stack with its own monitor.')
    .version(version())
    .helpCommand(true)
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the flags)')
    .addHelpText(
      'after',
      `
Examples:
  vitrine                                   start with ./vitrine.yaml or the defaults
  vitrine run -- node server.js             watch your own service
  vitrine top --once                        the figures of the last minute
  vitrine query 'sum(rate(http_server_request_duration_seconds_count[1m]))'
${EXIT_CODES}`,
    )
    .enablePositionalOptions()
    .exitOverride();
  addStart(program, exit);
  addRun(program, exit);
  addReaders(program);
  const explain = addExplain(program, clientOf);
  addWorkers(program, exit);
  addCare(program, clientOf);
  addTargets(program, clientOf, exit);
  addAlerts(program, explain, clientOf);
  for (const [name, what] of Object.entries(LATER)) addLater(program, name, what);
  for (const command of program.commands.flatMap((one) => [one, ...one.commands]))
    command.exitOverride().showSuggestionAfterError();
  return program;
}

const seconds =
  (flag: string) =>
  (text: string): number => {
    const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDurationMs(text);
    if (ms === undefined || ms <= 0)
      throw new VitrineError('usage', `${flag}: "${text}" is not a duration.`, {
        hint: 'Use seconds such as 30, or 250ms, 5s, 2m.',
      });
    return ms;
  };

/** A flag that takes a duration; help shows its default in seconds. */
const inSeconds = (flag: string, text: string, defaultSeconds: number, value = '<s>'): Option =>
  new Option(`${flag} ${value}`, text).argParser(seconds(flag)).default(defaultSeconds * 1000, `${defaultSeconds}s`);

const count =
  (flag: string) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0)
      throw new VitrineError('usage', `${flag}: "${text}" is not a whole number.`);
    return value;
  };

function addStart(program: Command, exit: (code: number) => void): void {
  refuseStrays(program, program.command('start', { isDefault: true }), Object.keys(LATER))
    .description('run the balancer, the monitor and (without upstreams of your own) two sample services')
    .addOption(
      new Option('--role <role>', 'the role of this process').choices(['all', 'balancer', 'monitor']).default('all'),
    )
    .option('-c, --config <file>', 'configuration, YAML or JSON (default: ./vitrine.yaml when it is there)')
    .option('--data <dir>', 'data directory (default: store.path, ./vitrine-data)')
    .option('--listen <host:port>', 'main address of the role')
    .option('--duration <s>', 'stop after this time', seconds('--duration'))
    .option(
      '--interval <s>',
      'how often figures are collected and rules evaluated (default: telemetry.interval, 1s)',
      seconds('--interval'),
    )
    .option(
      '--test-mode',
      'for conformance suites: no retention, times from 1970 on, experimental PromQL; opens --listen only',
    )
    .option('--log-level <level>', 'debug, info, warn or error')
    .option('-v, --verbose', 'the same as --log-level info on the console')
    .option('--debug', 'the same as --log-level debug')
    .addOption(new Option('--export', 'write history and end').hideHelp())
    .addOption(new Option('--report', 'write a report and end').hideHelp())
    .addOption(new Option('--format <format>').hideHelp())
    .addOption(new Option('--output <file>').hideHelp())
    .addOption(new Option('--days <n>').hideHelp())
    .action(async (flags: Record<string, unknown>) => {
      if (flags['export'] === true || flags['report'] === true) notYet(flags['export'] === true ? 'export' : 'report');
      const { start } = await import('./start.ts');
      exit(await start(flags));
    });
}

function addRun(program: Command, exit: (code: number) => void): void {
  program
    .command('run')
    .description('start CMD with telemetry, a balancer in front of it and a monitor')
    .argument('<cmd...>', 'the command, after --')
    .option('-c, --config <file>', 'configuration')
    .option('--data <dir>', 'data directory')
    .option('--port <n>', 'PORT given to the command (default: PORT, or a free one)', count('--port'))
    .option('--upstream-port <n>', 'the port of the command that gets the requests', count('--upstream-port'))
    .option('--log-level <level>', 'lines of Vitrine on the console: debug, info, warn or error (default: none)')
    .passThroughOptions()
    .action(async (cmd: string[], flags: Record<string, unknown>) => {
      const { run } = await import('./run.ts');
      exit(await run(cmd, flags));
    });
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new VitrineError('usage', `--token-file: ${file} cannot be read.`, { cause });
  }
}

function clientOf(flags: Record<string, unknown>): ClientOptions {
  const token = process.env['VITRINE_TOKEN'];
  const file = flags['tokenFile'] as string | undefined;
  return {
    url: (flags['url'] as string | undefined) ?? 'http://127.0.0.1:4000',
    token: file === undefined ? token : tokenIn(file),
  };
}

function addReaders(program: Command): void {
  const reader = (name: string, what: string): Command =>
    program
      .command(name)
      .description(what)
      .option('--url <url>', 'the running Vitrine', 'http://127.0.0.1:4000')
      .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
      .option('--json', 'as JSON', false);
  reader('top', 'show live figures as text')
    .option('--once', 'print one frame and stop', false)
    .addOption(inSeconds('--interval', 'time between frames', 5))
    .action(async (flags: Record<string, unknown>) => {
      const { top } = await import('./top.ts');
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      await top(clientOf(flags), {
        once: flags['once'] === true,
        json: flags['json'] === true,
        intervalMs: flags['interval'] as number,
        signal: stop.signal,
      });
    });
  reader('query', 'run a PromQL query')
    .argument('<expr>', 'the expression')
    .option('--range <duration>', 'over this long until now, instead of at one time')
    .option('--step <duration>', 'time between the points of a range')
    .option('--time <time>', 'evaluate at this time, as Unix seconds or RFC 3339')
    .option('--csv', 'as CSV', false)
    .action(async (expr: string, flags: Record<string, unknown>) => {
      const { query } = await import('./query.ts');
      await query(clientOf(flags), expr, flags as never, Date.now());
    });
  addSearch(reader, clientOf);
  reader('annotate', 'put a mark on every chart')
    .argument('<text>', 'what happened')
    .option('--tag <tag...>', 'deploy, restart, reload, drill and load have a sign of their own')
    .option('--time <time>', 'RFC 3339, Unix seconds, or a duration ago such as 5m (default: now)')
    .option('--end <time>', 'the end, for something that lasted')
    .action(async (text: string, flags: Record<string, unknown>) => {
      const { annotate } = await import('./annotate.ts');
      await annotate(clientOf(flags), text, flags, Date.now());
    });
}

function addWorkers(program: Command, exit: (code: number) => void): void {
  program
    .command('load')
    .description('send the requests of simulated users; the result is JSON')
    .option('--users <n>', 'number of simulated users', count('--users'), 10)
    .addOption(inSeconds('--duration', 'duration of the load', 10))
    .option('--rate <n>', 'arrivals per second instead of waiting users (0: closed loop)', Number, 0)
    .option('--ramp <s>', 'time to reach all users or the full rate', seconds('--ramp'))
    .option('--url <url>', 'target', 'http://127.0.0.1:8080')
    .option('--scenario <name>', 'payments (the sample service) or get (the URL as given)', 'payments')
    .option('--seed <n>', 'the same seed makes the same users', count('--seed'), 1)
    .option('--output <file>', 'write the result here instead of stdout')
    .option('--max-error-ratio <ratio>', 'exit 5 when a greater share of the requests fails')
    .option('--max-p95 <duration>', 'exit 5 when p95 is above this')
    .option('--json', 'print the result on stdout even with --output', false)
    .option('--mark <url>', 'mark the run on the charts of the Vitrine at this address')
    .action(async (flags: Record<string, unknown>) => {
      const { load } = await import('./load.ts');
      const mark = flags['mark'] as string | undefined;
      exit(await load(flags, mark === undefined ? undefined : clientOf({ url: mark })));
    });
  program
    .command('drill')
    .description('cause a fault in the sample stack for a limited time')
    .addArgument(program.createArgument('<kind>', 'kind of fault').choices([...DRILLS]))
    .addOption(inSeconds('--for', 'duration of the fault', 30, '<duration>'))
    .option('--data <dir>', 'data directory of the running Vitrine', './vitrine-data')
    .option('--json', 'as JSON', false)
    .action(async (kind: Drill, flags: Record<string, unknown>) => {
      const { drill } = await import('./drill.ts');
      await drill(kind, flags['for'] as number, flags['data'] as string, flags['json'] === true, clientOf({}).token);
    });
  program
    .command('check')
    .description('check the configuration and list every mistake')
    .option('-c, --config <file>', 'configuration (default: ./vitrine.yaml)')
    .option('--schema', 'print the JSON Schema of the configuration', false)
    .addOption(new Option('--print <what>', 'print what a short form stands for, without secrets').choices(['notify']))
    .option('--test-rules <file...>', 'run promtool rule-test files')
    .option('--junit <file>', 'write the outcome of rule tests as JUnit XML')
    .option('--json', 'as JSON', false)
    .action(async (flags: Record<string, unknown>) => {
      const { check } = await import('./check.ts');
      exit(await check(flags));
    });
  program
    .command('doctor')
    .description('check versions, ports, exporters and disk, and say how to fix each problem')
    .option('-c, --config <file>', 'configuration')
    .option('--data <dir>', 'data directory')
    .option('--json', 'as JSON', false)
    .action(async (flags: Record<string, unknown>) => {
      const { doctor } = await import('./doctor.ts');
      exit(await doctor(flags));
    });
}

function addLater(program: Command, name: string, what: string): void {
  program
    .command(name, { hidden: true })
    .description(`${what} (not in this version)`)
    .argument('[args...]')
    .allowUnknownOption()
    .action(() => notYet(name));
}

function notYet(name: string): never {
  throw new VitrineError('not_in_this_version', `\`vitrine ${name}\` is not in this version.`, {
    hint: '`vitrine --help` lists the commands.',
  });
}

/** The commands `alerts`, `silence`, `notify` and `explain alert` with their arguments and flags. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { VitrineError } from '../../base/errors.ts';
import type { ClientOptions } from '../client.ts';
import { commandOf } from '../stray-command.ts';
import type { AlertTarget } from './alerts.ts';

type Flags = Readonly<Record<string, unknown>>;

/** The name under which care is recorded, unless a flag names another. */
function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'vitrine';
  }
}

export function addAlerts(program: Command, explain: Command, clientOf: (flags: Flags) => ClientOptions): void {
  const targetOf = (flags: Flags): AlertTarget => ({
    ...clientOf(flags),
    json: flags['json'] === true,
    by: (flags['by'] as string | undefined) ?? ownName(),
  });
  const command = (parent: Command, name: string, what: string, isDefault = false): Command =>
    commandOf(parent, name, isDefault)
      .description(what)
      .option('--url <url>', 'the running Vitrine', 'http://127.0.0.1:4000')
      .option('--token-file <file>', 'file that holds the token (or VITRINE_TOKEN)')
      .option('--by <name>', 'who does this (default: your login name)')
      .option('--json', 'as JSON', false);
  const alerts = addCare(program, command, targetOf);
  addRules(alerts, command, targetOf);
  addSilences(program, command, targetOf);
  addOnCall(program, command, targetOf);
  addTrials(program, command, targetOf);
  command(explain, 'alert', 'why an alert was or was not sent')
    .argument('<id>', 'its fingerprint, or the beginning of it')
    .action(async (id: string, flags: Flags) => {
      await (await import('./alerts.ts')).explainAlert(targetOf(flags), id);
    });
}

type Make = (parent: Command, name: string, what: string, isDefault?: boolean) => Command;
type TargetOf = (flags: Flags) => AlertTarget;

const ID = 'its fingerprint, or the beginning of it';

function addCare(program: Command, command: Make, targetOf: TargetOf): Command {
  const alerts = program.command('alerts').description('active alerts and their care');
  command(alerts, 'list', 'alerts that fire or are muted', true).action(async (flags: Flags) => {
    await (await import('./alerts.ts')).listAlerts(targetOf(flags));
  });
  command(alerts, 'show', 'one alert: its state, care and history')
    .argument('<id>', ID)
    .action(async (id: string, flags: Flags) => {
      await (await import('./alerts.ts')).explainAlert(targetOf(flags), id);
    });
  for (const [name, what] of [
    ['ack', 'acknowledge: repetitions stop while nothing new happens'],
    ['unack', 'take the acknowledgement back'],
  ] as const) {
    command(alerts, name, what)
      .argument('<id>', ID)
      .action(async (id: string, flags: Flags) => {
        await (await import('./alerts.ts')).careFor(targetOf(flags), id, name, {});
      });
  }
  command(alerts, 'assign', 'say who works on it')
    .argument('<id>', ID)
    .argument('<to>', 'a name')
    .action(async (id: string, to: string, flags: Flags) => {
      await (await import('./alerts.ts')).careFor(targetOf(flags), id, 'assign', { to });
    });
  command(alerts, 'snooze', 'send nothing about it for some time')
    .argument('<id>', ID)
    .option('--for <duration>', 'how long', '1h')
    .action(async (id: string, flags: Flags) => {
      await (await import('./alerts.ts')).careFor(targetOf(flags), id, 'snooze', { for: flags['for'] });
    });
  command(alerts, 'comment', 'write something about it')
    .argument('<id>', ID)
    .argument('<text>', 'the comment')
    .action(async (id: string, text: string, flags: Flags) => {
      await (await import('./alerts.ts')).careFor(targetOf(flags), id, 'comment', { text });
    });
  return alerts;
}

function addTrials(program: Command, command: Make, targetOf: TargetOf): void {
  const notify = program.command('notify').description('channels of notifications');
  command(notify, 'test', 'send a test message to every channel of a receiver, or to one that is not saved')
    .argument('[receiver]', 'its name in the configuration')
    .option('--kind <kind>', 'try a channel that is not saved: webhook, slack, email, telegram …')
    .option('--entry <file>', 'its entry as in the configuration, JSON or YAML (- for the standard input)')
    .action(async (receiver: string | undefined, flags: Flags) => {
      const { kind, entry } = flags as Record<string, string | undefined>;
      const isSaved = receiver !== undefined && kind === undefined && entry === undefined;
      const isTrial = receiver === undefined && kind !== undefined && entry !== undefined;
      if (isSaved) await (await import('./alerts.ts')).testReceiver(targetOf(flags), receiver);
      else if (isTrial) await (await import('./notify-trials.ts')).tryChannel(targetOf(flags), kind, entry);
      else throw new VitrineError('usage', 'Give the name of a receiver, or --kind and --entry.');
    });
  command(notify, 'template', 'what a template makes of an alert, or of an example')
    .argument('<file>', 'the text (- for the standard input)')
    .option('--alert <fingerprint>', 'an alert of now')
    .action(async (file: string, flags: Flags) => {
      await (
        await import('./notify-trials.ts')
      ).tryTemplate(targetOf(flags), file, flags['alert'] as string | undefined);
    });
}

function addRules(alerts: Command, command: Make, targetOf: TargetOf): void {
  command(
    alerts,
    'replay',
    'play a rule over stored history: when it would have fired and paged, and what it would have missed',
  )
    .argument('[name]', 'the name of a rule or a draft')
    .option('--rule <file>', 'a rule as JSON or YAML instead: the body of POST /api/alerts')
    .option('--since <duration>', 'how far back', '24h')
    .option('--from <time>', 'begin, as a time such as 2026-11-30T12:00:00Z')
    .option('--to <time>', 'end (default: now)')
    .option('--incidents <matchers>', 'which alerts of that time count as an incident', 'severity="critical"')
    .action(async (name: string | undefined, flags: Flags) => {
      const { since, from, to, incidents, rule } = flags as Record<string, string | undefined>;
      const order = { name, file: rule, since, from, to, incidents };
      await (await import('./rule-replay.ts')).replayRule(targetOf(flags), order);
    });
  command(alerts, 'rules', 'all rules as a Prometheus rule file').action(async (flags: Flags) => {
    await (await import('./rule-replay.ts')).printRules(targetOf(flags));
  });
  command(alerts, 'noise', 'pages a week for each rule, acted on or not, and the rules that never fired')
    .option('--since <duration>', 'how far back', '7d')
    .action(async (flags: Flags) => {
      await (await import('./rule-replay.ts')).printNoise(targetOf(flags), flags['since'] as string);
    });
}

function addOnCall(program: Command, command: Make, targetOf: TargetOf): void {
  const oncall = program.command('oncall').description('who is on call');
  command(oncall, 'list', 'who is on call now and next, in each schedule', true)
    .option('--at <time>', 'at another time, such as 2026-12-24T18:00 on the clock of the schedule')
    .action(async (flags: Flags) => {
      await (await import('./oncall.ts')).showOnCall(targetOf(flags), flags['at'] as string | undefined);
    });
  command(oncall, 'override', 'put somebody else on call for some time')
    .argument('<schedule>', 'its name')
    .argument('<person>', 'who is on call instead')
    .option('--from <time>', 'begin (default: now)')
    .option('--to <time>', 'end')
    .option('--for <duration>', 'how long, instead of --to')
    .action(async (schedule: string, person: string, flags: Flags) => {
      const { from, to, for: lasts } = flags as Record<string, string | undefined>;
      await (await import('./oncall.ts')).addOverride(targetOf(flags), { schedule, person, from, to, for: lasts });
    });
}

function addSilences(program: Command, command: Make, targetOf: TargetOf): void {
  const silence = program.command('silence').description('silences: they mute matching alerts for some time');
  command(silence, 'list', 'silences, and what they mute now', true)
    .option('--expired', 'also those that have ended', false)
    .action(async (flags: Flags) => {
      await (await import('./alerts.ts')).listSilences(targetOf(flags), flags['expired'] === true);
    });
  command(silence, 'add', 'make a silence')
    .argument('<matcher...>', `such as alertname=Down 'host=~"web.*"'`)
    .option('--for <duration>', 'how long', '2h')
    .option('--comment <text>', 'why')
    .option('--dry-run', 'say what it would mute, and make nothing', false)
    .action(async (matchers: string[], flags: Flags) => {
      const { for: duration, comment = '', dryRun } = flags as Record<string, string>;
      if (comment === '' && Boolean(dryRun) === false) {
        throw new VitrineError('usage', 'Say why with --comment TEXT.');
      }
      const body = { matchers, duration, comment, dry_run: Boolean(dryRun) };
      await (await import('./alerts.ts')).addSilence(targetOf(flags), body);
    });
  command(silence, 'expire', 'end a silence')
    .argument('<id>', 'its id')
    .action(async (id: string, flags: Flags) => {
      await (await import('./alerts.ts')).expireSilence(targetOf(flags), id);
    });
}

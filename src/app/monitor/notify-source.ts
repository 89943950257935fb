/** Reads the configuration of notifications: Alertmanager's file or the short form, templates, and entries of vitrine.yaml. */
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { assembled, withOwnEntries } from '../../monitor/alerts/notify/assemble.ts';
import { readNotifyFile, type NotifyConfig } from '../../monitor/alerts/notify/file/read.ts';
import { shortForm } from '../../monitor/alerts/notify/file/short-form.ts';
import type { PipelineConfig } from '../../monitor/alerts/notify/deliveries.ts';
import type { ReceiverTools } from '../../monitor/alerts/notify/receivers/kind.ts';
import { RECEIVER_KINDS } from '../../monitor/alerts/notify/receivers/table.ts';
import { Renderer } from '../../monitor/alerts/notify/template/renderer.ts';
import { TemplateError } from '../../monitor/alerts/rules/template/tree.ts';
import { planOf, type OnCallPlan } from '../../monitor/alerts/oncall/config.ts';
import { connect } from '../../monitor/outbound/connect.ts';
import { OutboundGuard, type Origin } from '../../monitor/outbound/guard.ts';
import { send } from '../../monitor/outbound/request.ts';
import type { Settings } from '../process/settings-schema.ts';

/** The name of the short form in messages. */
const SHORT_FORM = 'notify';

export interface NotifySource {
  readonly config: NotifyConfig;
  readonly oncall: OnCallPlan;
  readonly renderer: Renderer;
  /** Directory that relative paths of the file start from. */
  readonly dir: string;
  readonly warnings: readonly string[];
}

function fail(problems: readonly string[]): never {
  throw new VitrineError('config_invalid', `The configuration of notifications has mistakes:\n${problems.join('\n')}`, {
    hint: '`vitrine check` says what is wrong without starting anything.',
  });
}

/** Throws VitrineError `config_invalid` with every mistake, and `config_unreadable`. */
export function notifySourceOf({ notify }: Settings): NotifySource {
  const file = notify.file ?? SHORT_FORM;
  const short = shortForm(notify);
  const shortKeys = (['email', 'slack', 'webhook', 'sms'] as const).filter((key) => notify[key] !== undefined);
  if (notify.file !== undefined && shortKeys.length > 0) {
    fail([`notify.${shortKeys[0]}: cannot stand beside notify.file; write it into ${file}`]);
  }
  const text = notify.file === undefined ? short.text : textOf(notify.file);
  const read = readNotifyFile(text, file, RECEIVER_KINDS);
  if (read.config === undefined) fail(read.issues);
  const own = notify.file === undefined ? { ...short.own, ...notify.receivers } : notify.receivers;
  const joined = withOwnEntries(read.config, own, RECEIVER_KINDS);
  if (joined.issues.length > 0) fail(joined.issues);
  const { plan, issues } = planOf(notify.oncall, notify.escalation, new Set(joined.config.receivers.keys()));
  if (issues.length > 0) fail(issues);
  const dir = notify.file === undefined ? process.cwd() : path.dirname(path.resolve(notify.file));
  return {
    config: joined.config,
    oncall: plan,
    renderer: rendererOf(joined.config, dir),
    dir,
    warnings: read.warnings,
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new VitrineError('config_unreadable', `notify.file: ${file} cannot be read (${reason}).`, { cause });
  }
}

function rendererOf({ templates }: NotifyConfig, dir: string): Renderer {
  const files = templates.flatMap((pattern) => globSync(path.resolve(dir, pattern)).toSorted());
  const texts: string[] = [];
  for (const file of files) {
    const text = textOf(file);
    try {
      // Each by itself first, so that the message names the file.
      void new Renderer([text]);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      fail([`${file}: ${error.message}`]);
    }
    texts.push(text);
  }
  return new Renderer(texts);
}

/** Receivers of files may be inside the network; those that are tried by the API may not. */
export function receiverTools(
  source: NotifySource,
  clock: Clock,
  logger: Logger,
  { origin = 'file', allowPrivate }: { readonly origin?: Origin; readonly allowPrivate?: readonly string[] } = {},
): ReceiverTools {
  const guard = new OutboundGuard({ allowPrivate });
  return {
    request: (request) => send(guard, { ...request, origin }),
    connect: (connection) => connect(guard, { ...connection, origin }),
    render: (text, about) => source.renderer.render(text, about, clock.now()),
    readFile: async (file) => (await readFile(path.resolve(source.dir, file), 'utf8')).trim(),
    pathOf: (file) => path.resolve(source.dir, file),
    environment: process.env,
    clock,
    logger,
  };
}

export const pipelineConfigOf = (source: NotifySource, tools: ReceiverTools): PipelineConfig =>
  assembled(source.config, tools, source.renderer, source.oncall);

/** `vitrine notify test --kind` and `vitrine notify template`: channels and templates are tried before they are saved. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { VitrineError } from '../../base/errors.ts';
import { reportTest, type AlertTarget } from './alerts.ts';
import { send } from '../client.ts';
import { print, visible } from '../output.ts';

/** `-` is the standard input. Throws VitrineError `usage`. */
function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new VitrineError('usage', `${file} cannot be read.`, { cause });
  }
}

function entryOf(file: string): unknown {
  try {
    return parse(textOf(file)) as unknown;
  } catch (cause) {
    if (cause instanceof VitrineError) throw cause;
    throw new VitrineError('usage', `--entry: ${file} is neither JSON nor YAML.`, { cause });
  }
}

/** Throws VitrineError `check_failed` when the channel did not take the message. */
export async function tryChannel(target: AlertTarget, kind: string, file: string): Promise<void> {
  const body = { kind, entry: entryOf(file), by: target.by };
  reportTest(target, await send(target, '/api/notify/test', body), 'The entry');
}

export async function tryTemplate(target: AlertTarget, file: string, alert: string | undefined): Promise<void> {
  const body = { template: textOf(file), alert, by: target.by };
  const answer = (await send(target, '/api/notify/render', body)) as { readonly text: string };
  if (target.json) print(JSON.stringify(answer));
  else for (const line of answer.text.split('\n')) print(visible(line));
}

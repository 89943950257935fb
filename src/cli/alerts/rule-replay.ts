/** `vitrine alerts replay`, `rules` and `noise`: rules over the past, as a file, and how much they disturb. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { VitrineError } from '../../base/errors.ts';
import { formatDurationMs, parseDurationMs } from '../../base/units.ts';
import type { AlertTarget } from './alerts.ts';
import { ask, askText, send } from '../client.ts';
import { print, tell, visibleLine } from '../output.ts';

interface Order {
  readonly name: string | undefined;
  readonly file: string | undefined;
  readonly since: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly incidents: string | undefined;
}

interface Answer {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly step_seconds: number;
  readonly fired: number;
  readonly pending_only: number;
  readonly paged: number;
  readonly missed: number;
  readonly episodes: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly fired_at: string | null;
    readonly ended_at: string | null;
    readonly value: number | null;
  }[];
  readonly pages: readonly { readonly at: string; readonly receiver: string; readonly reason: string }[];
  readonly muted: readonly { readonly text: string; readonly alerts: number }[];
  readonly incidents: readonly {
    readonly from: string;
    readonly names: readonly string[];
    readonly caught_at: string | null;
  }[];
  readonly warnings: readonly string[];
}

interface Noise {
  readonly complete: boolean;
  readonly rules: readonly {
    readonly name: string;
    readonly fired: number;
    readonly pages_per_week: number;
    readonly acted: number;
    readonly flapping: number;
    readonly on_trial: number;
  }[];
  readonly never_fired: readonly string[];
}

const out = (text: string): void => print(visibleLine(text));
const SHOWN = 50;

function durationOf(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new VitrineError('usage', `--since: "${text}" is no duration.`, { hint: 'For example 24h or 7d.' });
}

/** Throws VitrineError `usage` for a file that cannot be read. */
function ruleIn(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch (cause) {
    throw new VitrineError('usage', `--rule: ${file} cannot be read as JSON or YAML.`, { cause });
  }
}

export async function replayRule(target: AlertTarget, order: Order): Promise<void> {
  const { name, file, since = '24h', from, to, incidents } = order;
  if ((name === undefined) === (file === undefined)) {
    throw new VitrineError('usage', 'Give the name of a rule, or --rule FILE.');
  }
  const toMs = to === undefined ? Date.now() : Date.parse(to);
  if (Number.isNaN(toMs)) throw new VitrineError('usage', `--to: "${to}" is no time.`);
  const what = file === undefined ? { name } : { rule: ruleIn(file) };
  const begin = from ?? toMs - durationOf(since);
  const answer = (await send(target, '/api/alerts/replay', { ...what, from: begin, to: toMs, incidents })) as Answer;
  if (target.json) return print(JSON.stringify(answer));
  showReplay(answer);
  return undefined;
}

function showReplay(answer: Answer): void {
  const { name, fired, paged, pending_only: short, episodes, pages, muted, incidents, missed, warnings } = answer;
  const step = formatDurationMs(answer.step_seconds * 1_000);
  out(`${name} from ${answer.from} to ${answer.to}, judged each ${step}`);
  out(`would have fired ${fired} times and paged ${paged} times; ${short} times it ended before its "for" was over`);
  for (const { labels, fired_at: at, ended_at: end, value } of episodes
    .filter((one) => one.fired_at !== null)
    .slice(0, SHOWN)) {
    const text = Object.entries(labels).filter(([key]) => key !== 'alertname');
    out(`  ${at} to ${end ?? 'the end'}  value ${value}  ${text.map(([key, v]) => `${key}=${v}`).join(' ')}`);
  }
  for (const { at, receiver, reason } of pages.slice(0, SHOWN)) out(`  page ${at} → ${receiver} (${reason})`);
  for (const { text, alerts } of muted) out(`  muted: ${alerts} alerts ${text}`);
  out(`incidents: ${incidents.length}, missed: ${missed}`);
  for (const { from, names, caught_at: caught } of incidents.slice(0, SHOWN)) {
    out(`  ${from}  ${names.join(', ')}: ${caught === null ? 'MISSED' : `found at ${caught}`}`);
  }
  for (const warning of warnings) tell(visibleLine(`warning: ${warning}`));
}

export async function printRules(target: AlertTarget): Promise<void> {
  print((await askText(target, '/api/alerts/rules')).trimEnd());
}

export async function printNoise(target: AlertTarget, since: string): Promise<void> {
  const answer = (await ask(target, `/api/alerts/noise?from=${Date.now() - durationOf(since)}`)) as Noise;
  if (target.json) return print(JSON.stringify(answer));
  out('pages/week  fired  acted on  flapping  on trial  rule');
  for (const { name, fired, pages_per_week: pages, acted, flapping, on_trial: trial } of answer.rules) {
    const cells = [String(pages).padStart(10), String(fired).padStart(6), String(acted).padStart(9)];
    out(`${cells.join(' ')} ${String(flapping).padStart(9)} ${String(trial).padStart(9)}  ${name}`);
  }
  if (!answer.complete) tell('Older events of this range were left out.');
  if (answer.never_fired.length > 0) out(`never fired: ${answer.never_fired.join(', ')}`);
  return undefined;
}

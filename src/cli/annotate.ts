/** `vitrine annotate TEXT`: a mark on every chart. Load tests and drills leave their marks in the same way. */
import { parseDurationMs } from '../base/units.ts';
import { VitrineError } from '../base/errors.ts';
import { send, type ClientOptions } from './client.ts';
import { print, tell, visible } from './output.ts';

export interface MarkRequest {
  readonly text: string;
  readonly tags: readonly string[];
  readonly timeMs: number;
  /** Absent for a moment. */
  readonly endMs?: number | undefined;
}

/** Resolves with the id. Throws as `send` does. */
export async function sendMark(options: ClientOptions, { text, tags, timeMs, endMs }: MarkRequest): Promise<number> {
  const body = { text, tags, time: Math.round(timeMs), ...(endMs === undefined ? {} : { timeEnd: Math.round(endMs) }) };
  const { id } = (await send(options, '/api/annotations', body)) as { id: number };
  return id;
}

/** A mark beside the work of another command, which does not fail because of it. */
export async function tryMark(options: ClientOptions, mark: MarkRequest): Promise<void> {
  try {
    await sendMark(options, mark);
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    tell(visible(`No mark was put on the charts: ${error.message}`));
  }
}

/** Epoch milliseconds of RFC 3339, Unix seconds, or a duration ago (`5m`). */
export function timeOf(flag: string, text: string, nowMs: number): number {
  if (/^\d{9,11}(\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return nowMs - agoMs;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new VitrineError('usage', `${flag}: "${text}" is no time.`, {
      hint: 'For example 2026-01-31T08:00:00Z, 1769846400, or 5m for five minutes ago.',
    });
  }
  return ms;
}

type Flags = Readonly<Record<string, unknown>>;

export async function annotate(options: ClientOptions, text: string, flags: Flags, nowMs: number): Promise<void> {
  const time = flags['time'] as string | undefined;
  const end = flags['end'] as string | undefined;
  const id = await sendMark(options, {
    text,
    tags: (flags['tag'] as string[] | undefined) ?? [],
    timeMs: time === undefined ? nowMs : timeOf('--time', time, nowMs),
    endMs: end === undefined ? undefined : timeOf('--end', end, nowMs),
  });
  if (flags['json'] === true) print(JSON.stringify({ id }));
  else tell(`Annotation ${id} is on the charts.`);
}

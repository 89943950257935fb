/** `vitrine load`: sends the requests of simulated users; progress goes to stderr, the result as JSON to stdout or a file. */
import { writeFileSync } from 'node:fs';
import { VitrineError } from '../base/errors.ts';
import { parseDurationMs, parseRatio } from '../base/units.ts';
import { loadOptions, type LoadOptions } from '../loadtest/options.ts';
import type { LoadResult } from '../loadtest/result.ts';
import { runLoad } from '../loadtest/run.ts';
import { demoAccount, DEMO_PASSWORD, demoUser } from '../sample/demo-data.ts';
import { tryMark } from './annotate.ts';
import type { ClientOptions } from './client.ts';
import { print, tell } from './output.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Flags whose option has another name in the code. */
const FLAG_OF: Readonly<Record<string, string>> = { durationMs: 'duration', rampMs: 'ramp' };
/** Time between lines of progress when stderr is no terminal. */
const PLAIN_PROGRESS_SECONDS = 10;

/** `marked` is the Vitrine whose charts get a mark of the run. */
export async function load(flags: Flags, marked?: ClientOptions): Promise<number> {
  const options = optionsOf(flags);
  const limits = limitsOf(flags);
  const output = flags['output'] as string | undefined;
  // Checked before the load: a result that cannot be written would be lost.
  if (output !== undefined) write(output, '', 'a');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  const begunMs = Date.now();
  const result = await runLoad(options, {
    people: (index) => ({ user: demoUser(index), password: DEMO_PASSWORD, account: demoAccount(index) }),
    signal: stop.signal,
    onSecond: progress(options),
  });
  if (process.stderr.isTTY) tell('');
  if (marked !== undefined) {
    const text = `Load test of ${options.url}: ${options.users} users`;
    await tryMark(marked, { text, tags: ['load'], timeMs: begunMs, endMs: Date.now() });
  }
  const text = JSON.stringify(result, null, 2);
  if (output !== undefined) write(output, `${text}\n`);
  if (output === undefined || flags['json'] === true) print(text);
  tell(summaryOf(result));
  if (stop.signal.aborted) return 130;
  if (isNobodyThere(result)) throw new VitrineError('unreachable', `Nothing answers at ${result.url}.`);
  return missedLimits(result, limits).map((miss) => tell(miss)).length > 0 ? 5 : 0;
}

function write(file: string, text: string, flag = 'w'): void {
  try {
    writeFileSync(file, text, { flag });
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new VitrineError('usage', `--output: ${file} cannot be written (${code}).`, { cause });
  }
}

/** Not a single connection was accepted. */
const isNobodyThere = ({ totals, errors }: LoadResult): boolean =>
  totals.requests > 0 && errors.by_kind['refused'] === totals.requests;

function optionsOf(flags: Flags): LoadOptions {
  const rate = flags['rate'] as number | undefined;
  const checked = loadOptions.safeParse({
    url: flags['url'],
    scenario: flags['scenario'],
    users: flags['users'],
    durationMs: flags['duration'],
    seed: flags['seed'],
    ...(rate === undefined || rate === 0 ? {} : { rate }),
    ...(flags['ramp'] === undefined ? {} : { rampMs: flags['ramp'] }),
  });
  if (checked.success) return checked.data;
  const said = checked.error.issues.map(
    ({ path: [name], message }) => `--${FLAG_OF[String(name)] ?? String(name)}: ${message}`,
  );
  throw new VitrineError('usage', said.join('; '), {
    hint: '`vitrine load --help` lists the flags.',
  });
}

interface Limits {
  readonly errorRatio: number | undefined;
  readonly p95Ms: number | undefined;
}

function limitsOf(flags: Flags): Limits {
  const read = (
    flag: string,
    name: string,
    parse: (text: string) => number | undefined,
    example: string,
  ): number | undefined => {
    const text = flags[name] as string | undefined;
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined)
      throw new VitrineError('usage', `${flag}: "${text}" cannot be read.`, {
        hint: `For example ${example}.`,
      });
    return value;
  };
  return {
    errorRatio: read('--max-error-ratio', 'maxErrorRatio', parseRatio, '1%'),
    p95Ms: read('--max-p95', 'maxP95', parseDurationMs, '200ms'),
  };
}

function missedLimits({ error_ratio, latency_ms }: LoadResult, { errorRatio, p95Ms }: Limits): string[] {
  const misses: string[] = [];
  if (errorRatio !== undefined && error_ratio > errorRatio)
    misses.push(`error ratio ${error_ratio.toFixed(4)} is above ${errorRatio}`);
  if (p95Ms !== undefined && (latency_ms?.p95 ?? Infinity) > p95Ms)
    misses.push(`p95 ${latency_ms?.p95 ?? '–'} ms is above ${p95Ms} ms`);
  return misses;
}

function progress({ durationMs }: LoadOptions): (requests: number) => void {
  let second = 0;
  let last = 0;
  return (requests) => {
    second += 1;
    const line = `${second} of ${Math.ceil(durationMs / 1000)} s, ${requests} requests, ${requests - last} in the last second`;
    last = requests;
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
    else if (second % PLAIN_PROGRESS_SECONDS === 0) tell(line);
  };
}

function summaryOf({ totals, throughput_rps, latency_ms }: LoadResult): string {
  const times =
    latency_ms === null
      ? 'nothing was answered'
      : `p50 ${latency_ms.p50} ms, p95 ${latency_ms.p95} ms, p99 ${latency_ms.p99} ms`;
  return `${totals.requests} requests, ${totals.failed} failed, ${throughput_rps} a second; ${times}`;
}

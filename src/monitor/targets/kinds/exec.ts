/**
 * A program with Nagios' exit codes and performance data (monitoring-plugins.org, development guidelines). From the
 * configuration file only: an argument list, no shell, a bare environment. The program leads a process group, which is killed
 * as a whole at the time-out.
 */
import { spawn } from 'node:child_process';
import type { CheckContext, CheckReport, ExecSpec, ProbeSeries } from '../check.ts';
import { Progress } from '../net/progress.ts';

const MAX_OUTPUT_BYTES = 64 * 1024;
const MAX_FIGURES = 50;
const STATES = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;
const UNKNOWN = 3;

/** `'label'=value[UOM];warn;crit;min;max`, as many as there are. */
const FIGURE = /(?:'((?:[^']|'')*)'|([^\s'=]+))=(-?\d+(?:\.\d+)?)([a-zA-Z%]*)(?:;[^\s]*)?/g;
const UNITS: Readonly<Record<string, readonly [unit: string, factor: number]>> = {
  '': ['', 1],
  s: ['seconds', 1],
  ms: ['seconds', 1e-3],
  us: ['seconds', 1e-6],
  '%': ['ratio', 0.01],
  B: ['bytes', 1],
  KB: ['bytes', 1e3],
  MB: ['bytes', 1e6],
  GB: ['bytes', 1e9],
  TB: ['bytes', 1e12],
  c: ['total', 1],
};

/** Performance data after the first `|` of each line, in base units. */
export function performanceData(output: string): ProbeSeries[] {
  const texts = output.split('\n').flatMap((line) => (line.includes('|') ? [line.slice(line.indexOf('|') + 1)] : []));
  return texts
    .flatMap((text) => [...text.matchAll(FIGURE)])
    .slice(0, MAX_FIGURES)
    .map(([, quoted, bare, value, unit]) => {
      const [name, factor] = UNITS[unit] ?? [unit, 1];
      return {
        name: 'probe_exec_performance_data',
        labels: { label: quoted?.replaceAll("''", "'") ?? bare, unit: name },
        value: Number(value) * factor,
      };
    });
}

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly failure: string;
}

function run({ command }: ExecSpec, { signal, timeoutMs }: CheckContext): Promise<Ended> {
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const [program, ...args] = command;
  const child = spawn(program, args, {
    detached: true,
    shell: false,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' },
    cwd: '/',
  });
  let output = '';
  let failure = '';
  const take = (part: Buffer): void => {
    if (output.length < MAX_OUTPUT_BYTES) output += part.toString('utf8').slice(0, MAX_OUTPUT_BYTES - output.length);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const end = (): void => {
    failure = `The program did not end within ${timeoutMs} ms; its process group was killed.`;
    killGroup(child.pid);
  };
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  child.on('error', (error: NodeJS.ErrnoException) => {
    signal.removeEventListener('abort', end);
    resolve({ code: UNKNOWN, output, failure: `The program cannot be started: ${error.code ?? error.message}.` });
  });
  // `exit`, not `close`: a grandchild that holds the pipe must not hold the check.
  child.on('exit', (code, killed) => {
    signal.removeEventListener('abort', end);
    killGroup(child.pid);
    setImmediate(() => {
      child.stdout.destroy();
      child.stderr.destroy();
      const bySignal = killed === null ? '' : `The program was ended by ${killed}.`;
      resolve({ code: code ?? UNKNOWN, output, failure: failure || bySignal });
    });
  });
  return promise;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended.
  }
}

export async function checkExec(spec: ExecSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const { code, output, failure } = await run(spec, context);
  progress.end('processing');
  const success = failure === '' && (code === 0 || (code === 1 && spec.warningIsUp));
  const first = output.split('\n', 1)[0].split('|')[0].trim().slice(0, 300);
  return {
    success,
    reason: success ? '' : failure || `${STATES[code] ?? `Exit code ${code}`}: ${first}`,
    phases: progress.phases,
    series: [{ name: 'probe_exec_return_code', value: code }, ...performanceData(output)],
    evidence: {
      sent: `${spec.command[0]} with ${spec.command.length - 1} arguments`,
      address: '',
      status: code,
      excerpt: output.slice(0, 2_048),
    },
  };
}

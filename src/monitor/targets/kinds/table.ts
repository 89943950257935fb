/** The table of the kinds, and one check carried out: its time limit, its trace, its duration. */
import { randomHex } from '../../../base/random.ts';
import type { CheckContext, CheckFn, CheckReport, CheckResult, CheckSpec } from '../check.ts';
import { checkDns } from './dns.ts';
import { checkExec } from './exec.ts';
import { checkGrpc } from './grpc.ts';
import { checkHttp } from './http.ts';
import { checkSteps } from './steps.ts';
import { checkTcp } from './tcp.ts';
import { checkTls } from './tls.ts';
import { checkWeb } from './web.ts';
import { checkWebSocket } from './websocket.ts';

type Kinds = { readonly [K in CheckSpec['kind']]: CheckFn<Extract<CheckSpec, { kind: K }>> };

const KINDS: Kinds = {
  http: checkHttp,
  web: checkWeb,
  tcp: checkTcp,
  tls: checkTls,
  dns: checkDns,
  websocket: checkWebSocket,
  grpc: checkGrpc,
  exec: checkExec,
  steps: checkSteps,
};

export interface RunOptions extends Omit<CheckContext, 'signal' | 'traceparent'> {
  /** The first hexadecimal digits of the trace ids of this installation's checks. */
  readonly tracePrefix: string;
  readonly signal?: AbortSignal | undefined;
}

/** Never rejects: a mistake in the check itself is a failed check whose reason says so. */
export async function runCheck(spec: CheckSpec, options: RunOptions): Promise<CheckResult> {
  const { clock, timeoutMs, tracePrefix } = options;
  const limit = new AbortController();
  const cancel = clock.after(timeoutMs, () => limit.abort(new Error('time-out')));
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, options.signal]);
  const traceId = (tracePrefix + randomHex(16)).slice(0, 32);
  const traceparent = `00-${traceId}-${randomHex(8)}-01`;
  const timeMs = clock.now();
  const begin = clock.monotonic();
  let report: CheckReport;
  try {
    report = await (KINDS[spec.kind] as CheckFn<CheckSpec>)(spec, { ...options, signal, traceparent });
  } catch (error) {
    report = {
      success: false,
      reason: `The check itself failed: ${error instanceof Error ? error.message : String(error)}`,
      phases: {},
      series: [],
      evidence: { sent: spec.kind, address: '' },
    };
  }
  cancel();
  // The phases of a whole check are its duration; the time after them is that of the conditions here, not of the target.
  const phases = Object.values(report.phases).reduce((sum, seconds) => sum + seconds, 0);
  const elapsed = Math.max(0, clock.monotonic() - begin) / 1_000;
  const durationSeconds = report.success && phases > 0 ? phases : elapsed;
  return { ...report, timeMs, durationSeconds, traceId };
}

/**
 * The process of the checks as the monitor's child: started when there is something to check, ended when there is nothing more.
 * Its results are taken one batch at a time; the next one comes when the monitor has stored this one.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { CheckResult, CheckSpec } from '../../monitor/targets/check.ts';
import type {
  FromChecks,
  ScheduledResult,
  ScheduledTarget,
  ToChecks,
} from '../../monitor/targets/schedule/messages.ts';
import type { CheckRunner } from '../../monitor/targets/target-parts.ts';
import type { Origin } from '../../monitor/outbound/guard.ts';
import { Child } from '../process/child.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { heapFlags, LEAN_MALLOC, SERVICE_HEAP } from '../process/lean-heap.ts';
import { CHECKS_PROGRAM } from '../process/program-paths.ts';

export interface ChecksLinkOptions {
  readonly allowPrivate: readonly string[];
  readonly concurrency: number;
  readonly tracePrefix: string;
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Stores results; what it throws is said once a minute. */
  readonly onResults: (results: readonly ScheduledResult[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

const MAX_PROBES = 64;
/** A probe's answer comes at the latest this long after its time-out. */
const AFTER_TIMEOUT_MS = 5_000;
/** Without targets, the process ends this long after the last probe. */
const IDLE_MS = 60_000;
const STOP_LIMIT_MS = 3_000;

interface Pending {
  readonly resolve: (result: CheckResult) => void;
  readonly reject: (error: unknown) => void;
}

export class ChecksLink implements CheckRunner {
  readonly #options: ChecksLinkOptions;
  readonly #pending = new Map<number, Pending>();
  /** Probes that wait for the process to be ready. */
  #waiting: ToChecks[] = [];
  #targets: readonly ScheduledTarget[] = [];
  #child: Child | undefined;
  #ready = false;
  #last = 0;
  #cancelIdle = (): void => {};

  constructor(options: ChecksLinkOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  replace(targets: readonly ScheduledTarget[]): void {
    this.#targets = targets;
    if (targets.length > 0) this.#start();
    if (this.#ready) this.#sendTargets();
    if (targets.length === 0) this.#endWhenIdle();
  }

  probe(spec: CheckSpec, origin: Origin, timeoutMs: number): Promise<CheckResult> {
    if (this.#pending.size >= MAX_PROBES) {
      return Promise.reject(new VitrineError('overloaded', 'Too many checks are asked for at once.'));
    }
    this.#start();
    this.#last += 1;
    const id = this.#last;
    const { promise, resolve, reject } = Promise.withResolvers<CheckResult>();
    const cancel = this.#options.clock.after(timeoutMs + AFTER_TIMEOUT_MS, () =>
      reject(new VitrineError('unreachable', 'The process of the checks does not answer.')),
    );
    this.#pending.set(id, { resolve, reject });
    const message: ToChecks = { kind: 'probe', id, spec, origin, timeoutMs };
    if (this.#ready) this.#child?.send(message);
    else this.#waiting.push(message);
    return promise.finally(() => {
      cancel();
      this.#pending.delete(id);
      if (this.#targets.length === 0) this.#endWhenIdle();
    });
  }

  #start(): void {
    this.#cancelIdle();
    if (this.#child !== undefined) return;
    const { env, clock, logger } = this.#options;
    this.#child = new Child({
      name: 'the process of the checks',
      module: CHECKS_PROGRAM,
      args: [],
      execArgv: heapFlags(SERVICE_HEAP),
      env: childEnvironment({ ...LEAN_MALLOC, ...env }),
      clock,
      logger,
      onMessage: (message) => this.#take(message as FromChecks),
      onExit: () => {
        this.#ready = false;
        for (const { reject } of this.#pending.values()) {
          reject(new VitrineError('unreachable', 'The process of the checks has ended.'));
        }
      },
    });
  }

  #sendTargets(): void {
    const { allowPrivate, concurrency, tracePrefix } = this.#options;
    this.#child?.send({
      kind: 'targets',
      targets: this.#targets,
      allowPrivate,
      tracePrefix,
      maxConcurrent: concurrency,
    } satisfies ToChecks);
  }

  #take(message: FromChecks): void {
    if (message.kind === 'ready') {
      this.#ready = true;
      this.#sendTargets();
      for (const waiting of this.#waiting.splice(0)) this.#child?.send(waiting);
    } else if (message.kind === 'probed') this.#pending.get(message.id)?.resolve(message.result);
    else {
      this.#options
        .onResults(message.results)
        .catch(this.#options.onError)
        // Results that could not be stored are lost: the next ones may be stored again.
        .finally(() => this.#child?.send({ kind: 'taken' } satisfies ToChecks));
    }
  }

  #endWhenIdle(): void {
    this.#cancelIdle();
    this.#cancelIdle = this.#options.clock.after(IDLE_MS, () => {
      if (this.#targets.length === 0 && this.#pending.size === 0) void this.close();
    });
  }

  async close(): Promise<void> {
    this.#cancelIdle();
    const child = this.#child;
    this.#child = undefined;
    this.#ready = false;
    await child?.stop(STOP_LIMIT_MS, { kind: 'end' } satisfies ToChecks);
  }
}

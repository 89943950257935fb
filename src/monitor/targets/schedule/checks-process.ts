/**
 * The work of the process of the checks: it takes the list of targets, runs the schedule, and sends results back in batches. It
 * is a process and not a thread, because name resolution, memory and libuv's pool are shared by all threads of a process.
 */
import { BoundedQueue } from '../../../base/bounded.ts';
import { every, type Clock } from '../../../base/clock.ts';
import type { Random } from '../../../base/random.ts';
import { OutboundGuard } from '../../outbound/guard.ts';
import type { NameResolver } from '../check.ts';
import { runCheck } from '../kinds/table.ts';
import type { FromChecks, ScheduledResult, ToChecks } from './messages.ts';
import { Scheduler } from './scheduler.ts';

export interface ChecksProcessOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly names: NameResolver;
  readonly send: (message: FromChecks) => void;
}

const MAX_QUEUED = 20_000;
const MAX_BATCH = 500;
const SEND_MS = 200;

export class ChecksProcess {
  readonly #options: ChecksProcessOptions;
  readonly #queue = new BoundedQueue<ScheduledResult>(MAX_QUEUED);
  #scheduler: Scheduler | undefined;
  #guard = new OutboundGuard();
  #tracePrefix = '';
  #inFlight = false;
  readonly #stop: () => void;

  constructor(options: ChecksProcessOptions) {
    this.#options = options;
    this.#stop = every(
      options.clock,
      SEND_MS,
      () => this.#flush(),
      () => {},
    );
    options.send({ kind: 'ready' });
  }

  take(message: ToChecks): void {
    if (message.kind === 'taken') {
      this.#inFlight = false;
      this.#flush();
    } else if (message.kind === 'targets') this.#replace(message);
    else if (message.kind === 'probe') void this.#probe(message);
    else this.close();
  }

  close(): void {
    this.#stop();
    this.#scheduler?.close();
  }

  #replace({ targets, allowPrivate, tracePrefix, maxConcurrent }: Extract<ToChecks, { kind: 'targets' }>): void {
    this.#guard = new OutboundGuard({ allowPrivate });
    this.#tracePrefix = tracePrefix;
    this.#scheduler ??= new Scheduler({
      clock: this.#options.clock,
      random: this.#options.random,
      maxConcurrent,
      run: ({ spec, origin, timeoutMs }, signal) => runCheck(spec, { ...this.#context(), origin, timeoutMs, signal }),
      onResult: (result) => void this.#queue.push(result),
    });
    this.#scheduler.replace(targets);
  }

  async #probe({ id, spec, origin, timeoutMs }: Extract<ToChecks, { kind: 'probe' }>): Promise<void> {
    const result = await runCheck(spec, { ...this.#context(), origin, timeoutMs });
    this.#options.send({ kind: 'probed', id, result });
  }

  #context() {
    const { clock, names } = this.#options;
    return { guard: this.#guard, names, clock, tracePrefix: this.#tracePrefix } as const;
  }

  #flush(): void {
    if (this.#inFlight || this.#queue.size === 0) return;
    const results: ScheduledResult[] = [];
    for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
      results.push(one);
      if (results.length === MAX_BATCH) break;
    }
    this.#inFlight = true;
    this.#options.send({
      kind: 'results',
      results,
      figures: {
        running: this.#scheduler?.running ?? 0,
        waiting: this.#scheduler?.waiting ?? 0,
        dropped: this.#queue.dropped,
      },
    });
  }
}

/**
 * The monitor as a child process of the stack. It gets one frame a second while it answers, and it is restarted when it ends. A
 * monitor that does not answer for long is killed and restarted. No request ever waits for it.
 */
import { availableParallelism } from 'node:os';
import { wait, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { CareAnswer, ToStack } from '../../model/frame.ts';
import type { RouteLesson } from '../../model/learned-route.ts';
import type { FrameSender } from '../../telemetry/road/frame-sender.ts';
import { Child } from '../process/child.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { heapFlags, helperFlags, LEAN_MALLOC, MONITOR_HEAP } from '../process/lean-heap.ts';
import { PATIENT_COMPILER } from '../process/patient-compiler.ts';
import { MAIN_PROGRAM } from '../process/program-paths.ts';

/** With a long interval the time without an answer is measured in intervals. */
const SILENT_INTERVALS = 3;
const SILENT_MS = 5_000;
const SILENT_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 4_000;
const LAST_FRAME_LIMIT_MS = 1_000;
/**
 * A first start that finds an address in use is repeated for this long: the monitor of a killed stack may still be ending.
 */
const IN_USE_PATIENCE_MS = 10_000;
const IN_USE = 4;

export interface MonitorChildOptions {
  /** Arguments of `vitrine start --role monitor`. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Time between two frames. */
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A finished log line of the monitor. */
  readonly onLine: (line: string) => void;
  /** A call of the runtime API. */
  readonly onCare?: (call: CareCall) => Promise<CareReply>;
  /** Routes of the application that its spans told. */
  readonly onRoutes?: (lessons: readonly RouteLesson[]) => void;
  /** Called when it is ready after each start, because its pid has changed. */
  readonly onReady?: () => void;
  /** Default 10 s. */
  readonly inUsePatienceMs?: number | undefined;
}

function startFailure(code: number | null): VitrineError {
  const kind = code === 3 ? 'config_invalid' : code === 4 ? 'port_taken' : 'internal';
  return new VitrineError(kind, 'The monitor cannot start; see the errors above.');
}

export class MonitorChild {
  readonly #options: MonitorChildOptions;
  readonly #child: Child;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #frames: FrameSender | undefined;
  #ready = false;
  #wasReady = false;
  /** Whether the monitor became ready in the run before. */
  #livedReady = false;
  #lastAckMs = 0;
  #whenStarted: () => void = () => {};
  #cancelWatch = (): void => {};
  #stopped = false;
  /**
   * Resolves when the stack can go on: the monitor is ready, or it ended at its start for a reason that need not stop
   * traffic, and is tried again. Rejects when it cannot start for a reason the user must remove (configuration, an address in
   * use); the monitor has printed it.
   */
  readonly started: Promise<void>;
  #whenFailed: (error: Error) => void = () => {};

  constructor(options: MonitorChildOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.started = new Promise((resolve, reject) => {
      this.#whenStarted = resolve;
      this.#whenFailed = reject;
    });
    // When it rejects later, no caller awaits it.
    this.started.catch(() => {});
    const startedAtMs = options.clock.monotonic();
    this.#child = new Child({
      name: 'monitor',
      module: MAIN_PROGRAM,
      args: ['start', '--role', 'monitor', ...options.args],
      execArgv: [...heapFlags(MONITOR_HEAP), ...helperFlags(availableParallelism()), ...PATIENT_COMPILER],
      env: childEnvironment({ ...LEAN_MALLOC, ...options.env }),
      clock: options.clock,
      logger: options.logger,
      onMessage: (message) => this.#heard(message as ToStack),
      onExit: (unexpected, code) => this.#gone(unexpected, code),
      isFinal: (code) =>
        code === IN_USE &&
        !this.#wasReady &&
        options.clock.monotonic() - startedAtMs > (options.inUsePatienceMs ?? IN_USE_PATIENCE_MS),
      onGaveUp: (code) => this.#whenFailed(startFailure(code)),
      wasVain: () => !this.#livedReady,
    });
    this.#watch();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False when it has not answered for 5 s, or for three intervals if that is longer. */
  get answers(): boolean {
    return this.#ready && !this.#silentFor(SILENT_MS);
  }

  #silentFor(limitMs: number): boolean {
    const least = SILENT_INTERVALS * this.#options.intervalMs;
    return this.#clock.monotonic() - this.#lastAckMs >= Math.max(limitMs, least);
  }

  get gaveUp(): boolean {
    return this.#child.gaveUp;
  }

  /** From now on frames are sent to the monitor, also after each restart. */
  feed(frames: FrameSender): void {
    this.#frames = frames;
    if (this.#ready) this.#connect();
  }

  /** Tells the monitor to read the configuration again. */
  hup(): void {
    this.#child.kill('SIGHUP');
  }

  /** Sends one last frame, within a second. Afterwards no frame is sent to the monitor. */
  async lastFrame(): Promise<void> {
    this.#stopped = true;
    this.#cancelWatch();
    await Promise.race([this.#frames?.tick(), wait(this.#clock, LAST_FRAME_LIMIT_MS)]);
    this.#frames?.disconnect();
    this.#frames = undefined;
  }

  async stop(): Promise<void> {
    if (!this.#stopped) await this.lastFrame();
    await this.#child.stop(STOP_LIMIT_MS);
  }

  #heard(message: ToStack): void {
    this.#lastAckMs = this.#clock.monotonic();
    if (message.kind === 'line') this.#options.onLine(message.line);
    if (message.kind === 'care') void this.#care(message.id, message.call);
    if (message.kind === 'routes') this.#options.onRoutes?.(message.lessons);
    if (message.kind === 'ack') this.#frames?.acknowledge(message.sequence);
    if (message.kind !== 'ready') return;
    this.#ready = true;
    this.#wasReady = true;
    this.#whenStarted();
    this.#options.onReady?.();
    this.#connect();
  }

  async #care(id: number, call: CareCall): Promise<void> {
    const reply = await this.#options.onCare?.(call);
    const answer: CareAnswer = { kind: 'care_answer', id, reply: reply ?? { status: 404, body: {} } };
    this.#child.send(answer);
  }

  #connect(): void {
    this.#frames?.connect((frame) => {
      if (!this.#child.send(frame)) throw new Error('the monitor has ended');
    });
  }

  #gone(unexpected: boolean, code: number | null): void {
    this.#livedReady = this.#ready;
    this.#ready = false;
    this.#frames?.disconnect();
    // With codes 2 to 4 it cannot start for a reason that the user must remove, or that is waited for.
    if (!unexpected || this.#wasReady || (code !== null && code >= 2 && code <= IN_USE)) return;
    this.#logger.error({ code }, 'The monitor did not start; traffic is served without it, and it is tried again');
    this.#whenStarted();
  }

  #watch(): void {
    this.#cancelWatch = this.#clock.after(1_000, () => {
      if (this.#stopped) return;
      if (this.#ready && this.#frames !== undefined && this.#silentFor(SILENT_LIMIT_MS)) {
        const silentMs = Math.round(this.#clock.monotonic() - this.#lastAckMs);
        this.#logger.warn({ silent_ms: silentMs }, 'The monitor does not answer and is restarted');
        this.#child.kill('SIGKILL');
        this.#lastAckMs = this.#clock.monotonic();
      }
      this.#watch();
    });
  }
}

/**
 * The monitor as a child process of the stack. It gets one frame a second while it answers, and it is restarted when it ends. A
 * monitor that does not answer for long is killed and restarted. No request ever waits for it.
 */
import { wait, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { CareAnswer, ToStack } from '../../model/frame.ts';
import type { FrameSender } from '../../telemetry/road/frame-sender.ts';
import { Child } from '../process/child.ts';
import { childEnvironment } from '../process/child-environment.ts';
import { heapFlags, LEAN_MALLOC, MONITOR_HEAP } from '../process/lean-heap.ts';
import { MAIN_PROGRAM } from '../process/program-paths.ts';

/** With a long interval the time without an answer is measured in intervals. */
const SILENT_INTERVALS = 3;
const SILENT_MS = 5_000;
const SILENT_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 4_000;
const LAST_FRAME_LIMIT_MS = 1_000;

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
  /** Called when it is ready after each start, because its pid has changed. */
  readonly onReady?: () => void;
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
  #lastAckMs = 0;
  #whenReady: () => void = () => {};
  #cancelWatch = (): void => {};
  #stopped = false;
  /** Resolves at the first `ready`, also after restarts. */
  readonly ready: Promise<void>;
  /** Rejects when it is not restarted any more before it was ever ready. It has printed the reason. */
  readonly failed: Promise<never>;
  #whenFailed: (error: Error) => void = () => {};

  constructor(options: MonitorChildOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.ready = new Promise((resolve) => {
      this.#whenReady = resolve;
    });
    this.failed = new Promise((_resolve, reject) => {
      this.#whenFailed = reject;
    });
    // When it rejects later, no caller awaits it.
    this.failed.catch(() => {});
    this.#child = new Child({
      name: 'monitor',
      module: MAIN_PROGRAM,
      args: ['start', '--role', 'monitor', ...options.args],
      execArgv: heapFlags(MONITOR_HEAP),
      env: childEnvironment({ ...LEAN_MALLOC, ...options.env }),
      clock: options.clock,
      logger: options.logger,
      onMessage: (message) => this.#heard(message as ToStack),
      onExit: () => this.#gone(),
      // It ended before it was ever ready: its data directory is in use or unusable, and it has printed so.
      isFinal: (code) => code === 1 && !this.#wasReady,
      onGaveUp: (code) => this.#whenFailed(startFailure(code)),
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
    if (message.kind === 'ack') this.#frames?.acknowledge(message.sequence);
    if (message.kind !== 'ready') return;
    this.#ready = true;
    this.#wasReady = true;
    this.#whenReady();
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

  #gone(): void {
    this.#ready = false;
    this.#frames?.disconnect();
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
